// Which database entry serves a name. Pure look-ups in a configuration snapshot; any thread.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"

namespace remuda::route {

// The entry of that name, or one made from the fallback `*` (its dbname defaults to the name asked
// for). Nothing when neither exists or the name is too long.
std::optional<config::Database> find_database(const config::Config& config,
                                              const std::string& name);

// Settings of a user from [users], or nullptr.
const config::User* find_user(const config::Config& config, const std::string& name);

// The user a pool logs in with: the forced user of the database, else the one who logged in.
const std::string& pool_user(const config::Database& database, const std::string& login);

}  // namespace remuda::route
