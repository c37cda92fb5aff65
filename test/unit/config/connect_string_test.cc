#include "config/connect_string.h"

#include "config/effective.h"
#include "config/rest_url.h"
#include "support/catch.h"

namespace remuda::config::connect_string_test {
namespace {

using Problems = std::vector<std::string>;

Pairs pairs(std::string_view text) {
  PairError error;
  Pairs result = parse_pairs(text, error);
  INFO(text << ": " << error.what);
  REQUIRE_FALSE(error);
  return result;
}

PairError error_of(std::string_view text) {
  PairError error;
  parse_pairs(text, error);
  return error;
}

Database database(std::string_view text, const char* name = "shop") {
  Database entry;
  entry.name = name;
  Problems problems;
  bool read = read_database(entry, text, problems);
  INFO(text);
  REQUIRE(problems == Problems{});
  REQUIRE(read);
  return entry;
}

Problems database_problems(std::string_view text, const std::string& name = "shop") {
  Database entry;
  entry.name = name;
  Problems problems;
  REQUIRE_FALSE(read_database(entry, text, problems));
  return problems;
}

User user(std::string_view text) {
  User entry;
  entry.name = "bob";
  Problems problems;
  REQUIRE(read_user(entry, text, problems));
  return entry;
}

}  // namespace

TEST_CASE("pairs are separated by blanks, which may also surround =") {
  CHECK(pairs("") == Pairs{});
  CHECK(pairs("   ") == Pairs{});
  CHECK(pairs("a=1") == Pairs{{"a", "1"}});
  CHECK(pairs("  a = 1   b=  2 c  =3 ") == Pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  CHECK(pairs("a=x=y") == Pairs{{"a", "x=y"}});
}

TEST_CASE("single quotes hold blanks, and two of them are one") {
  CHECK(pairs("a='x y'") == Pairs{{"a", "x y"}});
  CHECK(pairs("a='it''s' b = '''' c=''' '") == Pairs{{"a", "it's"}, {"b", "'"}, {"c", "' "}});
  CHECK(pairs("a=it's") == Pairs{{"a", "it's"}});
  CHECK(pairs("a=\"x\"") == Pairs{{"a", "\"x\""}});
}

TEST_CASE("a tab separates nothing") {
  CHECK(pairs("a=1\tb=2") == Pairs{{"a", "1\tb=2"}});
}

TEST_CASE("what cannot be split into pairs is an error with its place") {
  CHECK(error_of("host").what == "host: not followed by =");
  CHECK(error_of("a=1 host port=2").what == "host: not followed by =");
  CHECK(error_of("a=1 host port=2").position == 4);
  CHECK(error_of("=x").what == "key missing in front of =");
  CHECK(error_of("a=").what == "a: empty value");
  CHECK(error_of("a=''").what == "a: empty value");
  CHECK(error_of("a='x").what == "quote not closed");
  CHECK(error_of("a='x''").what == "quote not closed");
  CHECK(error_of("a='x'b=1").what == "a blank must follow a closing quote");
  CHECK(error_of("a=1 # words").what == "a comment must stand on a line of its own here");
}

TEST_CASE("the pairs in front of an error are kept") {
  PairError error;
  CHECK(parse_pairs("a=1 b='2", error) == Pairs{{"a", "1"}});
  CHECK(error);
}

TEST_CASE("an empty connect string means the same name on the local socket") {
  Database entry = database("");
  CHECK(entry.dbname == "shop");
  CHECK(entry.hosts.empty());
  CHECK(entry.port == 5432);
  CHECK_FALSE(entry.pool_size);
  CHECK(database("host=h", "*").dbname == "*");
}

TEST_CASE("every key of a database") {
  Database entry = database(
      "dbname=d host=a,b,/run port=5433 user=u password='p w' auth_user=au auth_query='q 1' "
      "auth_dbname=ad pool_size=1 min_pool_size=2 reserve_pool_size=3 max_db_connections=4 "
      "max_db_client_connections=5 server_lifetime=6 query_wait_timeout=7 pool_mode=Statement "
      "load_balance_hosts=disable connect_query='set x' client_encoding=utf8 datestyle=ISO "
      "timezone=UTC application_name=app");
  Database expected;
  expected.name = "shop";
  expected.dbname = "d";
  expected.hosts = {"a", "b", "/run"};
  expected.port = 5433;
  expected.user = "u";
  expected.password = "p w";
  expected.auth_user = "au";
  expected.auth_query = "q 1";
  expected.auth_dbname = "ad";
  expected.pool_size = 1;
  expected.min_pool_size = 2;
  expected.reserve_pool_size = 3;
  expected.max_db_connections = 4;
  expected.max_db_client_connections = 5;
  expected.server_lifetime = 6 * kSecond;
  expected.query_wait_timeout = 7 * kSecond;
  expected.pool_mode = PoolMode::statement;
  expected.load_balance_hosts = LoadBalance::disable;
  expected.connect_query = "set x";
  expected.client_encoding = "utf8";
  expected.datestyle = "ISO";
  expected.timezone = "UTC";
  expected.application_name = "app";
  CHECK(entry == expected);
  CHECK(database("reserve_pool=9").reserve_pool_size == std::optional<int>(9));
}

TEST_CASE("the last of several equal keys wins") {
  CHECK(database("pool_size=1 pool_size=2").pool_size == std::optional<int>(2));
  CHECK_FALSE(database("pool_size=1 pool_size=-1").pool_size);
}

TEST_CASE("numbers below zero fall back to the global setting, or lift a limit") {
  CHECK_FALSE(database("min_pool_size=-1").min_pool_size);
  CHECK_FALSE(database("server_lifetime=-1").server_lifetime);
  CHECK(database("query_wait_timeout=-5").query_wait_timeout == std::optional<Micros>(0));
  CHECK(database("pool_size=0").pool_size == std::optional<int>(0));
}

TEST_CASE("numbers of a connect string are decimal") {
  CHECK(database("pool_size=010").pool_size == std::optional<int>(10));
  CHECK(database_problems("pool_size=0x10") ==
        Problems{"pool_size: bad value \"0x10\" (allowed: a whole number)"});
}

TEST_CASE("all problems of a database are told at once") {
  CHECK(database_problems("prot=1 port=0 pool_size=x pool_mode=y server_lifetime=z host=a,,b "
                          "load_balance_hosts=w colour=red host") ==
        Problems{"prot: unknown key, did you mean port?",
                 "port: bad value \"0\" (allowed: 1 to 65535)",
                 "pool_size: bad value \"x\" (allowed: a whole number)",
                 "pool_mode: bad value \"y\" (allowed: session, transaction, statement)",
                 "server_lifetime: bad value \"z\" (allowed: seconds)",
                 "host: bad value \"a,,b\" (allowed: hosts separated by single commas)",
                 "load_balance_hosts: bad value \"w\" (allowed: round-robin, random, least-active, "
                 "disable)",
                 database_problems("colour=red")[0], "host: not followed by =, at byte 99"});
  CHECK(database_problems("colour=red")[0].starts_with("colour: unknown key (allowed: dbname, "));
}

TEST_CASE("what may be a part of a password is not repeated") {
  std::string behind = database_problems("password=a b")[0];
  CHECK(
      behind ==
      "password: what stands behind it is no known key (a value with blanks needs single quotes)");
  for (const char* bad :
       {"password=a b=", "password=a b=''", "password=a b port", "password=a 'b"}) {
    CHECK(database_problems(bad) == Problems{behind});
  }
  CHECK(database_problems("password=a b=1 c=2") == Problems{behind, behind});
  CHECK(database_problems("password=a port=1 prot=2") ==
        Problems{"prot: unknown key, did you mean port?"});
  CHECK(database_problems("password='a") == Problems{"quote not closed, at byte 10"});
}

TEST_CASE("a host may have a port and a weight of its own") {
  const Database entry = database("host=a,b,c port=1,2,3 host_weights=0,5,10");
  CHECK(entry.port == 1);
  CHECK(entry.ports == std::vector<int>{1, 2, 3});
  CHECK(entry.host_weights == std::vector<int>{0, 5, 10});
  CHECK(port_of(entry, 2) == 3);
  CHECK(weight_of(entry, 1) == 5);
  const Database alike = database("port=7 host=a,b");
  CHECK(alike.ports.empty());
  CHECK(port_of(alike, 1) == 7);
  CHECK(weight_of(alike, 1) == 1);
}

TEST_CASE("lists for hosts are as long as that of the hosts") {
  CHECK(database_problems("host=a,b,c port=1,2") ==
        Problems{"port: 2 of them for 3 hosts (allowed: one, or one each)"});
  CHECK(database_problems("port=1,2") ==
        Problems{"port: 2 of them for 1 hosts (allowed: one, or one each)"});
  CHECK(database_problems("host=a,b host_weights=1") ==
        Problems{"host_weights: 1 of them for 2 hosts (allowed: one each)"});
  CHECK(database_problems("host=a,b host_weights=0,0") ==
        Problems{"host_weights: none is above 0"});
  CHECK(database_problems("host=a,b host_weights=1,1001") ==
        Problems{"host_weights: bad value \"1,1001\" (allowed: 0 to 1000)"});
  CHECK(database_problems("host=a,b port=1,,2") ==
        Problems{"port: bad value \"1,,2\" (allowed: 1 to 65535)"});
}

TEST_CASE("which hosts serve a database") {
  CHECK(database("host=a").target_session_attrs == TargetSession::any);
  const Database entry = database("target_session_attrs=prefer-standby health_check=0");
  CHECK(entry.target_session_attrs == TargetSession::prefer_standby);
  CHECK(entry.health_check == std::optional<bool>(false));
  CHECK(database("load_balance_hosts=least-active").load_balance_hosts ==
        LoadBalance::least_active);
  CHECK(database_problems("target_session_attrs=slave health_check=maybe") ==
        Problems{"target_session_attrs: bad value \"slave\" (allowed: any, read-write, read-only, "
                 "primary, standby, prefer-standby)",
                 "health_check: bad value \"maybe\" (allowed: 0, 1)"});
}

TEST_CASE("ports and lists of hosts have bounds") {
  CHECK(database("port=65535").port == 65535);
  for (const char* bad : {"port=65536", "port=-1", "port=http", "port=99999999999"}) {
    CHECK(database_problems(bad).size() == 1);
  }
  for (const char* bad : {"host=,", "host=a,", "host=,a"}) {
    CHECK(database_problems(bad).size() == 1);
  }
}

TEST_CASE("names of databases are bounded and the console's are reserved") {
  CHECK(database("", std::string(63, 'x').c_str()).dbname.size() == 63);
  CHECK(database_problems("", std::string(64, 'x')).size() == 1);
  CHECK(database_problems("", "pgbouncer").size() == 1);
  CHECK(database_problems("", "remuda").size() == 1);
  // Refused when it is to be used, as in PgBouncer.
  CHECK(database("auth_dbname=pgbouncer").auth_dbname == "pgbouncer");
}

TEST_CASE("every key of a user") {
  User expected;
  expected.name = "bob";
  CHECK(user("") == expected);
  expected.pool_mode = PoolMode::transaction;
  expected.pool_size = 1;
  expected.reserve_pool_size = 2;
  expected.max_user_connections = 3;
  expected.max_user_client_connections = 4;
  expected.query_timeout = 5 * kSecond;
  expected.query_wait_timeout = 6 * kSecond;
  expected.idle_transaction_timeout = 7 * kSecond;
  expected.transaction_timeout = 8 * kSecond;
  expected.client_idle_timeout = 9 * kSecond;
  CHECK(user("pool_mode=transaction pool_size=1 reserve_pool_size=2 max_user_connections=3 "
             "max_user_client_connections=4 query_timeout=5 query_wait_timeout=6 "
             "idle_transaction_timeout=7 transaction_timeout=8 client_idle_timeout=9") == expected);
}

TEST_CASE("problems of users") {
  User entry;
  entry.name = "bob";
  Problems problems = {"earlier"};
  CHECK_FALSE(read_user(entry, "pool_sise=1 query_timeout=soon", problems));
  CHECK(problems == Problems{"earlier", "pool_sise: unknown key, did you mean pool_size?",
                             "query_timeout: bad value \"soon\" (allowed: seconds)"});
  CHECK(read_user(entry, "pool_size=1", problems));
}

TEST_CASE("peers need a host and a number, and know three keys") {
  Peer peer;
  peer.id = 3;
  Problems problems;
  REQUIRE(read_peer(peer, "host=/tmp/a port=7000 pool_size=2", problems));
  CHECK(peer == Peer{3, "/tmp/a", 7000, 2});

  Peer bare;
  bare.id = 1;
  REQUIRE(read_peer(bare, "host=h", problems));
  CHECK(bare == Peer{1, "h", 6432, std::nullopt});

  Peer wrong;
  CHECK_FALSE(read_peer(wrong, "dbname=x", problems));
  CHECK(problems == Problems{"0: bad peer (allowed: 1 to 65535)",
                             "dbname: unknown key (allowed: host, port, pool_size)",
                             "host: missing"});
}

TEST_CASE("URLs of Patroni are checked, and never repeated, as they may hold a password") {
  CHECK(database("patroni_urls=http://h1:8008,https://h2").patroni_urls ==
        std::vector<std::string>{"http://h1:8008", "https://h2"});
  const Problems problem{"patroni_urls: bad value (allowed: " + std::string(kRestUrls) + ")"};
  for (const char* bad :
       {"patroni_urls=h1", "patroni_urls=http://a,,http://b", "patroni_urls=http://bob:secret@h1",
        "patroni_urls='http://a, http://b'"}) {
    INFO(bad);
    CHECK(database_problems(bad) == problem);
  }
  const Problems behind{
      "patroni_urls: what stands behind it is no known key (a value with blanks needs single "
      "quotes)"};
  CHECK(database_problems("patroni_urls=http://a http://bob:secret@h1") == behind);
  CHECK(database_problems("patroni_urls=http://a http://bob:secret@h1/?a=b") == behind);
}

}  // namespace remuda::config::connect_string_test
