#include "config/effective.h"

namespace remuda::config {
namespace {

// For settings in which a value of zero or less means: as the global one.
template <class T>
T positive_or(const std::optional<T>& value, T global) {
  return value && *value > 0 ? *value : global;
}

template <class T>
T not_negative_or(const std::optional<T>& value, T global) {
  return value && *value >= 0 ? *value : global;
}

template <class T, class Member>
T of_user(const User* user, Member member, T global) {
  return user ? positive_or(user->*member, global) : global;
}

}  // namespace

PoolMode pool_mode(const Config& config, const Database& database, const User* user) {
  if (user && user->pool_mode) return *user->pool_mode;
  return database.pool_mode.value_or(config.pool_mode);
}

int pool_size(const Config& config, const Database& database, const User* user) {
  if (user && user->pool_size) return *user->pool_size;
  return database.pool_size.value_or(config.default_pool_size);
}

int reserve_pool_size(const Config& config, const Database& database, const User* user) {
  if (user && user->reserve_pool_size) return *user->reserve_pool_size;
  return not_negative_or(database.reserve_pool_size, config.reserve_pool_size);
}

Micros query_wait_timeout(const Config& config, const Database& database, const User* user) {
  if (user && user->query_wait_timeout) return *user->query_wait_timeout;
  return database.query_wait_timeout.value_or(config.query_wait_timeout);
}

int min_pool_size(const Config& config, const Database& database) {
  return not_negative_or(database.min_pool_size, config.min_pool_size);
}

int max_db_connections(const Config& config, const Database& database) {
  return positive_or(database.max_db_connections, config.max_db_connections);
}

int max_db_client_connections(const Config& config, const Database& database) {
  return positive_or(database.max_db_client_connections, config.max_db_client_connections);
}

Micros server_lifetime(const Config& config, const Database& database) {
  return positive_or(database.server_lifetime, config.server_lifetime);
}

int port_of(const Database& database, size_t host) {
  return host < database.ports.size() ? database.ports[host] : database.port;
}

int weight_of(const Database& database, size_t host) {
  return host < database.host_weights.size() ? database.host_weights[host] : 1;
}

bool has_health_checks(const Config& config, const Database& database) {
  if (database.health_check) return *database.health_check;
  if (database.target_session_attrs != TargetSession::any) return true;
  if (!database.patroni_urls.empty()) return true;
  return database.hosts.size() > 1 && config.health_check_user.has_value();
}

std::optional<std::string> health_check_user(const Config& config, const Database& database) {
  if (config.health_check_user) return config.health_check_user;
  if (database.user) return database.user;
  return database.auth_user ? database.auth_user : config.auth_user;
}

const std::vector<std::string>& patroni_urls(const Config& config, const Database& database) {
  return database.patroni_urls.empty() ? config.patroni_urls : database.patroni_urls;
}

int max_user_connections(const Config& config, const User* user) {
  return of_user(user, &User::max_user_connections, config.max_user_connections);
}

int max_user_client_connections(const Config& config, const User* user) {
  return of_user(user, &User::max_user_client_connections, config.max_user_client_connections);
}

Micros query_timeout(const Config& config, const User* user) {
  return of_user(user, &User::query_timeout, config.query_timeout);
}

Micros idle_transaction_timeout(const Config& config, const User* user) {
  return of_user(user, &User::idle_transaction_timeout, config.idle_transaction_timeout);
}

Micros transaction_timeout(const Config& config, const User* user) {
  return of_user(user, &User::transaction_timeout, config.transaction_timeout);
}

Micros client_idle_timeout(const Config& config, const User* user) {
  return of_user(user, &User::client_idle_timeout, config.client_idle_timeout);
}

}  // namespace remuda::config
