// What a setting comes to for a database and a user: the more specific value wins, in the order
// that PgBouncer has for each. `user` is null for somebody who is not in [users]. Pure; any thread.
#pragma once

#include "config/config.h"

namespace remuda::config {

// User, then database, then global. The user is the one the pool logs in with.
PoolMode pool_mode(const Config& config, const Database& database, const User* user);
int pool_size(const Config& config, const Database& database, const User* user);
int reserve_pool_size(const Config& config, const Database& database, const User* user);
Micros query_wait_timeout(const Config& config, const Database& database, const User* user);

// Database, then global.
int min_pool_size(const Config& config, const Database& database);
int max_db_connections(const Config& config, const Database& database);
int max_db_client_connections(const Config& config, const Database& database);
Micros server_lifetime(const Config& config, const Database& database);
const std::vector<std::string>& patroni_urls(const Config& config, const Database& database);

// Of the host at this place of the list.
int port_of(const Database& database, size_t host);
int weight_of(const Database& database, size_t host);
// Whether its hosts are looked after: when that is asked for, a role is, or several hosts are while
// there is a user for checks.
bool has_health_checks(const Config& config, const Database& database);
// Who checks the hosts of the entry; nothing: nobody is known who could.
std::optional<std::string> health_check_user(const Config& config, const Database& database);

// User, then global.
int max_user_connections(const Config& config, const User* user);
int max_user_client_connections(const Config& config, const User* user);
Micros query_timeout(const Config& config, const User* user);
Micros idle_transaction_timeout(const Config& config, const User* user);
Micros transaction_timeout(const Config& config, const User* user);
Micros client_idle_timeout(const Config& config, const User* user);

}  // namespace remuda::config
