#include "config/settings.h"

#include <set>

#include "config/nearest.h"
#include "config/rest_url.h"
#include "support/catch.h"

namespace remuda::config::settings_test {
namespace {

const Setting& setting(const char* name) {
  const Setting* found = find_setting(name);
  REQUIRE(found);
  return *found;
}

// What a value becomes, or what would have been allowed.
std::string after(const char* name, std::string_view text) {
  Config config;
  std::string allowed;
  if (parse_value(config, setting(name), text, allowed))
    return show_value(config, setting(name)).value_or("");
  REQUIRE(show_value(config, setting(name)) == show_value(Config{}, setting(name)));
  return "allowed: " + allowed;
}

}  // namespace

TEST_CASE("the table holds every setting once, in the order of SHOW CONFIG") {
  REQUIRE(settings().size() == 130);
  std::set<std::string> names;
  for (const Setting& row : settings()) names.insert(row.name);
  CHECK(names.size() == 130);
  CHECK(std::string(settings()[0].name) == "admin_users");
  CHECK(std::string(settings()[99].name) == "verbose");
  CHECK(std::string(settings()[100].name) == "workers");  // from here on, ours
}

TEST_CASE("the table's defaults are those of an empty configuration") {
  for (const Setting& row : settings()) {
    INFO(row.name);
    Config config;
    auto fresh = show_value(config, row);
    set_default(config, row);
    CHECK(show_value(config, row) == fresh);
    if (std::string(row.name) == "unix_socket_mode") {
      CHECK(default_value(row) == std::optional<std::string>("0777"));
      CHECK(fresh == std::optional<std::string>("511"));
    } else if (std::string(row.name) == "verbose") {
      CHECK_FALSE(default_value(row));
      CHECK(fresh == std::optional<std::string>("0"));
    } else {
      CHECK(default_value(row) == fresh);
    }
  }
}

TEST_CASE("a default undoes every value") {
  for (const Setting& row : settings()) {
    INFO(row.name);
    Config config;
    std::string allowed;
    for (const char* text :
         {"7", "0", "trust", "transaction", "require", "direct", "off", "kill", "http://h1:8008"}) {
      parse_value(config, row, text, allowed);
      if (show_value(config, row) != show_value(Config{}, row)) break;
    }
    CHECK(show_value(config, row) != show_value(Config{}, row));
    set_default(config, row);
    CHECK(show_value(config, row) == show_value(Config{}, row));
  }
}

TEST_CASE("what cannot change at run time, and what databases and users may override") {
  std::set<std::string> fixed, databases, users;
  for (const Setting& row : settings()) {
    if (!row.reloadable) fixed.insert(row.name);
    if (row.per_database) databases.insert(row.name);
    if (row.per_user) users.insert(row.name);
  }
  CHECK(fixed == std::set<std::string>{"disable_pqexec", "job_name", "listen_addr",
                                       "listen_backlog", "listen_port", "pidfile", "pkt_buf",
                                       "resolv_conf", "so_reuseport", "track_extra_parameters",
                                       "unix_socket_dir", "unix_socket_group", "unix_socket_mode",
                                       "user", "workers"});
  CHECK(databases == std::set<std::string>{"auth_dbname", "auth_query", "auth_user",
                                           "default_pool_size", "max_db_client_connections",
                                           "max_db_connections", "min_pool_size", "patroni_urls",
                                           "pool_mode", "query_wait_timeout", "reserve_pool_size",
                                           "server_lifetime"});
  CHECK(users == std::set<std::string>{"client_idle_timeout", "default_pool_size",
                                       "idle_transaction_timeout", "max_user_client_connections",
                                       "max_user_connections", "pool_mode", "query_timeout",
                                       "query_wait_timeout", "reserve_pool_size",
                                       "transaction_timeout"});
}

TEST_CASE("the console has two names") {
  CHECK(is_console("pgbouncer"));
  CHECK(is_console("remuda"));
  CHECK_FALSE(is_console("PgBouncer"));
}

TEST_CASE("whole numbers are read in C notation, all of the text") {
  CHECK(after("default_pool_size", "30") == "30");
  CHECK(after("default_pool_size", "0x10") == "16");
  CHECK(after("default_pool_size", "010") == "8");
  CHECK(after("max_db_connections", "-1") == "-1");
  CHECK(after("unix_socket_mode", "0700") == "448");
  for (const char* bad : {"", "ten", "10x", "1 2", "99999999999", "1.5"}) {
    CHECK(after("max_db_connections", bad) == "allowed: a whole number");
  }
  for (const char* name : {"default_pool_size", "min_pool_size", "reserve_pool_size",
                           "max_client_conn", "tcp_keepidle", "tcp_user_timeout"}) {
    CHECK(after(name, "-1") == "allowed: a whole number, 0 or more");
    CHECK(after(name, "0") == "0");
  }
  CHECK(after("unix_socket_mode", "010000") == "allowed: 0 to 07777");
  CHECK(after("pkt_buf", "75") == "75");
  CHECK(after("pkt_buf", "0") == "allowed: a whole number above 0");
  CHECK(after("listen_port", "65535") == "65535");
  CHECK(after("listen_port", "65536") == "allowed: 0 to 65535");
  CHECK(after("workers", "-1") == "allowed: 0 (one per core) to 64");
  CHECK(after("scram_iterations", "0") == "allowed: a whole number above 0");
  CHECK(after("max_packet_size", "4294967295") == "4294967295");
  CHECK(after("max_packet_size", "4294967296").starts_with("allowed"));
  CHECK(after("max_packet_size", "-1").starts_with("allowed"));
  CHECK(after("verbose", "2") == "2");
  CHECK(after("verbose", "much") == "allowed: a whole number");
}

TEST_CASE("booleans are whole numbers or words") {
  for (const char* yes : {"1", "2", "on", "YES", "True", "0x1"}) {
    CHECK(after("syslog", yes) == "1");
  }
  for (const char* no : {"0", "off", "No", "FALSE"}) CHECK(after("log_stats", no) == "0");
  for (const char* bad : {"", "y", "enabled", "1 0"}) {
    CHECK(after("syslog", bad) == "allowed: 0, 1, on, off, yes, no, true, false");
  }
}

TEST_CASE("times are seconds, with fractions down to microseconds") {
  CHECK(after("query_timeout", "1.5") == "1.5");
  CHECK(after("query_timeout", "0") == "0");
  CHECK(after("server_lifetime", "1234567") == "1.23457e+06");
  for (const char* bad : {"", "-1", "10s", "inf", "nan", "0x10", "1e300"}) {
    CHECK(after("query_timeout", bad) == "allowed: seconds, 0 or more");
  }
  Config config;
  std::string allowed;
  REQUIRE(parse_value(config, setting("query_timeout"), "0.000001", allowed));
  CHECK(config.query_timeout == 1);
  REQUIRE(parse_value(config, setting("query_timeout"), "0.3", allowed));
  CHECK(config.query_timeout == 300000);
}

TEST_CASE("words do not care about case") {
  CHECK(after("pool_mode", "Transaction") == "transaction");
  CHECK(after("auth_type", "SCRAM-SHA-256") == "scram-sha-256");
  CHECK(after("server_tls_sslmode", "verify-full") == "verify-full");
  CHECK(after("pool_mode", "trans") == "allowed: session, transaction, statement");
  CHECK(after("auth_type", "password").starts_with("allowed: any, trust"));
  CHECK(after("server_tls_sslmode", "on").starts_with("allowed: disable"));
}

TEST_CASE("a comment may follow a number, a time, a boolean or a word") {
  CHECK(after("default_pool_size", "30 # per pool") == "30");
  CHECK(after("default_pool_size", "30\t; per pool") == "30");
  CHECK(after("query_timeout", "2 ; seconds # or so") == "2");
  CHECK(after("syslog", "on  # yes") == "1");
  CHECK(after("pool_mode", "statement # not session") == "statement");
  CHECK(after("max_packet_size", "1024 # bytes") == "1024");
  CHECK(after("verbose", "1 # some") == "1");
  CHECK(after("default_pool_size", "# 30").starts_with("allowed"));
  CHECK(after("default_pool_size", "30#").starts_with("allowed"));
}

TEST_CASE("free text is kept as it is") {
  CHECK(after("server_reset_query", "SELECT 1 # not; a comment") == "SELECT 1 # not; a comment");
  CHECK(after("logfile", "\"quoted\"") == "\"quoted\"");
  CHECK(after("server_check_query", "") == "");
  CHECK(after("auth_user", "it's # me") == "it's # me");
}

TEST_CASE("lists are split at commas and blanks") {
  Config config;
  std::string allowed;
  REQUIRE(parse_value(config, setting("admin_users"), " ann, bob\tcarl,,dora ", allowed));
  CHECK(config.admin_users == std::vector<std::string>{"ann", "bob", "carl", "dora"});
  CHECK(show_value(config, setting("admin_users")) == "ann,bob,carl,dora");
  REQUIRE(parse_value(config, setting("track_extra_parameters"), "", allowed));
  CHECK(config.track_extra_parameters.empty());
}

TEST_CASE("a setting without a default is NULL until set, and again when set to nothing") {
  Config config;
  std::string allowed;
  CHECK_FALSE(show_value(config, setting("auth_user")));
  REQUIRE(parse_value(config, setting("auth_user"), "bob", allowed));
  CHECK(show_value(config, setting("auth_user")) == std::optional<std::string>("bob"));
  REQUIRE(parse_value(config, setting("auth_user"), "", allowed));
  CHECK_FALSE(config.auth_user);
}

TEST_CASE("values that cannot work are refused") {
  CHECK(
      after("auth_dbname", "pgbouncer") ==
      "allowed: any database but the console: cannot use the reserved \"pgbouncer\" database as an "
      "auth_dbname");
  CHECK(after("auth_dbname", "auth") == "auth");
  CHECK(after("auth_ldap_options", std::string(1023, 'x')) == std::string(1023, 'x'));
  CHECK(after("auth_ldap_options", std::string(1024, 'x')) == "allowed: at most 1023 bytes");
}

TEST_CASE("URLs of Patroni are URLs without a password, which is a secret of its own") {
  CHECK(after("patroni_urls", "http://h1:8008, https://[::1]:8008/a") ==
        "http://h1:8008,https://[::1]:8008/a");
  CHECK(after("patroni_urls", "") == "");
  CHECK(after("patroni_urls", "http://h1:8008,h2:8008") == std::string("allowed: ") + kRestUrls);
  CHECK(after("patroni_urls", "http://bob:secret@h1") == std::string("allowed: ") + kRestUrls);
  for (const Setting& row : settings()) {
    CHECK(is_secret(row) == (std::string(row.name) == "patroni_password"));
  }
}

TEST_CASE("SET changes what may change, and leaves the rest alone") {
  Config config;
  CHECK(set_value(config, "default_pool_size", "5"));
  CHECK(config.default_pool_size == 5);
  CHECK(set_value(config, "listen_port", "1"));
  CHECK(set_value(config, "listen_port", "rubbish"));
  CHECK(config.listen_port == 6432);
  CHECK_FALSE(set_value(config, "default_pool_size", "five"));
  CHECK_FALSE(set_value(config, "Default_Pool_Size", "5"));
  CHECK_FALSE(set_value(config, "", ""));
  CHECK(config.default_pool_size == 5);
}

TEST_CASE("a mistyped setting finds the one that was meant") {
  CHECK(nearest_setting("default_poolsize") == "default_pool_size");
  CHECK(nearest_setting("max_clients_conn") == "max_client_conn");
  CHECK(nearest_setting("pool_mod") == "pool_mode");
  CHECK(nearest_setting("colour").empty());
  CHECK(nearest_setting("").empty());
  CHECK(nearest_setting(std::string(100000, 'p')).empty());
  CHECK(nearest("port", {"host", "post", "port"}) == "port");
}

TEST_CASE("every word of an enumeration is read as it is printed") {
  for (PoolMode mode : {PoolMode::session, PoolMode::transaction, PoolMode::statement}) {
    CHECK(pool_mode_from(to_text(mode)) == mode);
  }
  for (int i = 0; i <= static_cast<int>(AuthType::ldap); ++i) {
    CHECK(auth_type_from(to_text(static_cast<AuthType>(i))) == static_cast<AuthType>(i));
  }
  for (int i = 0; i <= static_cast<int>(TlsMode::verify_full); ++i) {
    CHECK(tls_mode_from(to_text(static_cast<TlsMode>(i))) == static_cast<TlsMode>(i));
  }
  for (LoadBalance balance : {LoadBalance::round_robin, LoadBalance::random,
                              LoadBalance::least_active, LoadBalance::disable}) {
    CHECK(load_balance_from(to_text(balance)) == balance);
  }
  for (int i = 0; i <= static_cast<int>(TargetSession::prefer_standby); ++i) {
    const auto target = static_cast<TargetSession>(i);
    CHECK(target_session_from(to_text(target)) == target);
  }
  for (OnDemotion choice : {OnDemotion::drain, OnDemotion::kill}) {
    CHECK(on_demotion_from(to_text(choice)) == choice);
  }
  CHECK_FALSE(pool_mode_from(""));
  CHECK_FALSE(pool_mode_from("sessions"));
}

}  // namespace remuda::config::settings_test
