// Which databases and users there are: those of the configuration, and those that came up since.
// Control thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "admin/call.h"
#include "config/config.h"
#include "proxy/ledger.h"

namespace remuda::admin {

// All but the console's own, by name. Those made from the fallback `*` are among them.
std::map<std::string, config::Database> known_databases(Control& control);

// Names of the auth file, of [users], of whoever has a connection, and the console's own.
std::set<std::string> known_users(Control& control);

// The database that the command names. Throws PgError: `cannot VERB admin db: X`, or
// `no such database: X`. With `may_create` the fallback makes it, if there is one.
std::shared_ptr<proxy::DatabaseLedger> named_database(const Call& call, const char* verb,
                                                      bool may_create);

// "PAUSE command issued", "PAUSE 'db' command issued"
void log_issued(const char* word, const Call& call);

}  // namespace remuda::admin
