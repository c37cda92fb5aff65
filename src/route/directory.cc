#include "route/directory.h"

namespace remuda::route {

std::optional<config::Database> find_database(const config::Config& config,
                                              const std::string& name) {
  if (name.size() > config::kMaxDatabaseName) return std::nullopt;
  const auto at = config.databases.find(name);
  if (at != config.databases.end()) return at->second;
  if (!config.fallback) return std::nullopt;
  config::Database made = *config.fallback;
  made.name = name;
  if (made.dbname.empty() || made.dbname == "*") made.dbname = name;
  return made;
}

const config::User* find_user(const config::Config& config, const std::string& name) {
  const auto at = config.users.find(name);
  return at == config.users.end() ? nullptr : &at->second;
}

const std::string& pool_user(const config::Database& database, const std::string& login) {
  return database.user ? *database.user : login;
}

}  // namespace remuda::route
