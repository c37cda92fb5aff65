#include "admin/catalog.h"

#include <fmt/core.h>

#include "remuda/base/error.h"
#include "remuda/base/log.h"
#include "route/directory.h"

namespace remuda::admin {

std::map<std::string, config::Database> known_databases(Control& control) {
  const config::Config& config = *control.snapshot().config;
  std::map<std::string, config::Database> all = config.databases;
  for (const auto& ledger : control.shared().ledgers.databases()) {
    if (all.contains(ledger->name) || config::is_console(ledger->name)) continue;
    auto made = route::find_database(config, ledger->name);
    if (made) all.emplace(ledger->name, *std::move(made));
  }
  return all;
}

std::set<std::string> known_users(Control& control) {
  const proxy::Snapshot& snapshot = control.snapshot();
  std::set<std::string> all = {config::kConsoleName};
  for (const auto& [name, user] : snapshot.config->users) all.insert(name);
  if (snapshot.users) {
    for (const auto& [name, secret] : snapshot.users->entries()) all.insert(name);
  }
  for (const auto& ledger : control.shared().ledgers.users()) {
    if (ledger->clients.used() > 0 || ledger->servers.used() > 0) all.insert(ledger->name);
  }
  return all;
}

std::shared_ptr<proxy::DatabaseLedger> named_database(const Call& call, const char* verb,
                                                      bool may_create) {
  const std::string& name = call.argument;
  if (config::is_console(name)) throw PgError(fmt::format("cannot {} admin db: {}", verb, name));
  const config::Config& config = *call.control.snapshot().config;
  const bool known = may_create ? route::find_database(config, name).has_value()
                                : known_databases(call.control).contains(name);
  if (!known) throw PgError("no such database: " + name);
  return call.control.shared().ledgers.database(name);
}

void log_issued(const char* word, const Call& call) {
  if (call.argument.empty()) {
    log::info("{} command issued", word);
  } else {
    log::info("{} '{}' command issued", word, call.argument);
  }
}

}  // namespace remuda::admin
