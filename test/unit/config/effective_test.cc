#include "config/effective.h"

#include "support/catch.h"

namespace remuda::config::effective_test {

TEST_CASE("without overrides the global setting counts") {
  Config config;
  config.pool_mode = PoolMode::transaction;
  config.default_pool_size = 11;
  config.reserve_pool_size = 12;
  config.min_pool_size = 13;
  config.max_db_connections = 14;
  config.max_db_client_connections = 15;
  config.max_user_connections = 16;
  config.max_user_client_connections = 17;
  config.query_wait_timeout = 18;
  config.server_lifetime = 19;
  config.query_timeout = 20;
  config.idle_transaction_timeout = 21;
  config.transaction_timeout = 22;
  config.client_idle_timeout = 23;
  Database database;
  User entry;
  const User* user = GENERATE(false, true) ? &entry : nullptr;
  CHECK(pool_mode(config, database, user) == PoolMode::transaction);
  CHECK(pool_size(config, database, user) == 11);
  CHECK(reserve_pool_size(config, database, user) == 12);
  CHECK(min_pool_size(config, database) == 13);
  CHECK(max_db_connections(config, database) == 14);
  CHECK(max_db_client_connections(config, database) == 15);
  CHECK(max_user_connections(config, user) == 16);
  CHECK(max_user_client_connections(config, user) == 17);
  CHECK(query_wait_timeout(config, database, user) == 18);
  CHECK(server_lifetime(config, database) == 19);
  CHECK(query_timeout(config, user) == 20);
  CHECK(idle_transaction_timeout(config, user) == 21);
  CHECK(transaction_timeout(config, user) == 22);
  CHECK(client_idle_timeout(config, user) == 23);
}

TEST_CASE("user wins over database wins over global") {
  Config config;
  Database database;
  User user;
  database.pool_mode = PoolMode::statement;
  database.pool_size = 0;
  database.reserve_pool_size = 2;
  database.query_wait_timeout = 0;
  CHECK(pool_mode(config, database, &user) == PoolMode::statement);
  CHECK(pool_size(config, database, &user) == 0);
  CHECK(reserve_pool_size(config, database, &user) == 2);
  CHECK(query_wait_timeout(config, database, &user) == 0);

  user.pool_mode = PoolMode::session;
  user.pool_size = 7;
  user.reserve_pool_size = 8;
  user.query_wait_timeout = 9;
  CHECK(pool_mode(config, database, &user) == PoolMode::session);
  CHECK(pool_size(config, database, &user) == 7);
  CHECK(reserve_pool_size(config, database, &user) == 8);
  CHECK(query_wait_timeout(config, database, &user) == 9);
  CHECK(pool_size(config, database, nullptr) == 0);
}

TEST_CASE("zero cannot lift a global limit") {
  Config config;
  config.max_db_connections = 5;
  config.max_db_client_connections = 6;
  config.max_user_connections = 7;
  config.max_user_client_connections = 8;
  config.query_timeout = 9;
  Database database;
  database.max_db_connections = 0;
  database.max_db_client_connections = 0;
  database.server_lifetime = 0;
  User user;
  user.max_user_connections = 0;
  user.max_user_client_connections = 0;
  user.query_timeout = 0;
  CHECK(max_db_connections(config, database) == 5);
  CHECK(max_db_client_connections(config, database) == 6);
  CHECK(server_lifetime(config, database) == 3600 * kSecond);
  CHECK(max_user_connections(config, &user) == 7);
  CHECK(max_user_client_connections(config, &user) == 8);
  CHECK(query_timeout(config, &user) == 9);
}

TEST_CASE("values above zero replace the global ones") {
  Config config;
  Database database;
  database.max_db_connections = 1;
  database.max_db_client_connections = 2;
  database.server_lifetime = 3;
  database.min_pool_size = 0;
  config.min_pool_size = 4;
  User user;
  user.max_user_connections = 5;
  user.max_user_client_connections = 6;
  user.query_timeout = 7;
  user.idle_transaction_timeout = 8;
  user.transaction_timeout = 9;
  user.client_idle_timeout = 10;
  CHECK(max_db_connections(config, database) == 1);
  CHECK(max_db_client_connections(config, database) == 2);
  CHECK(server_lifetime(config, database) == 3);
  CHECK(min_pool_size(config, database) == 0);
  CHECK(max_user_connections(config, &user) == 5);
  CHECK(max_user_client_connections(config, &user) == 6);
  CHECK(query_timeout(config, &user) == 7);
  CHECK(idle_transaction_timeout(config, &user) == 8);
  CHECK(transaction_timeout(config, &user) == 9);
  CHECK(client_idle_timeout(config, &user) == 10);
}

TEST_CASE("hosts are checked when asked for, when a role is, or when there are several of them") {
  Config config;
  Database one;
  Database two;
  two.hosts = {"a", "b"};
  CHECK_FALSE(has_health_checks(config, one));
  CHECK_FALSE(has_health_checks(config, two));
  config.health_check_user = "checker";
  CHECK_FALSE(has_health_checks(config, one));
  CHECK(has_health_checks(config, two));
  two.health_check = false;
  CHECK_FALSE(has_health_checks(config, two));
  one.target_session_attrs = TargetSession::primary;
  CHECK(has_health_checks(config, one));
  one.target_session_attrs = TargetSession::any;
  one.health_check = true;
  CHECK(has_health_checks(config, one));
}

TEST_CASE("who checks hosts") {
  Config config;
  Database database;
  CHECK_FALSE(health_check_user(config, database));
  config.auth_user = "asker";
  CHECK(health_check_user(config, database) == std::optional<std::string>("asker"));
  database.auth_user = "other";
  CHECK(health_check_user(config, database) == std::optional<std::string>("other"));
  database.user = "forced";
  CHECK(health_check_user(config, database) == std::optional<std::string>("forced"));
  config.health_check_user = "checker";
  CHECK(health_check_user(config, database) == std::optional<std::string>("checker"));
}

TEST_CASE("URLs of Patroni are the database's, else those of all") {
  Config config;
  Database database;
  CHECK(patroni_urls(config, database).empty());
  config.patroni_urls = {"http://all"};
  CHECK(patroni_urls(config, database) == config.patroni_urls);
  database.patroni_urls = {"http://own"};
  CHECK(patroni_urls(config, database) == database.patroni_urls);
}

}  // namespace remuda::config::effective_test
