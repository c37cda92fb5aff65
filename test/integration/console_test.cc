// The console: who may in, what it shows, what it does.
#include <signal.h>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::console_test {
namespace {

// A list of columns as one text, "name:oid name:oid", from names and their type letters in
// "name t, name i" form: t text, i int4, q int8, n numeric.
std::string columns_of(const std::string& spec) {
  const std::map<char, std::string> oids = {{'t', "25"}, {'i', "23"}, {'q', "20"}, {'n', "1700"}};
  std::string result;
  for (size_t at = 0; at < spec.size();) {
    const auto end = std::min(spec.find(", ", at), spec.size());
    result += spec.substr(at, end - at - 2) + ":" + oids.at(spec[end - 1]) + " ";
    at = end + 2;
  }
  return result;
}

std::string columns_of(const PGresult* result) {
  std::string text;
  for (int c = 0; c < PQnfields(result); ++c)
    text += std::string(PQfname(result, c)) + ":" + std::to_string(PQftype(result, c)) + " ";
  return text;
}

// "a, b" with the type letter appended to each and a prefix before each.
std::string each(const std::string& prefix, const std::string& names, const std::string& suffix) {
  std::string result;
  for (size_t at = 0; at < names.size();) {
    const auto end = std::min(names.find(", ", at), names.size());
    result += (result.empty() ? "" : ", ") + prefix + names.substr(at, end - at) + suffix;
    at = end + 2;
  }
  return result;
}

const std::string kConnectionColumns =
    "type t, user t, database t, replication t, state t, addr t, port i, local_addr t, "
    "local_port i, connect_time t, request_time t, wait i, wait_us i, close_needed i, ptr t, "
    "link t, remote_pid i, tls t, application_name t, prepared_statements i, id i";
const std::string kTotals =
    "server_assignment_count, xact_count, query_count, bytes_received, bytes_sent, xact_time, "
    "query_time, wait_time, client_parse_count, server_parse_count, bind_count, "
    "client_login_count";
const std::string kAverages =
    "server_assignment_count, xact_count, query_count, bytes_received, bytes_sent, xact_time, "
    "query_time, wait_time, avg_client_parse_count, avg_server_parse_count, avg_bind_count, "
    "avg_client_login_count";
const std::string kStatsTotal =
    "server_assignment_count, xact_count, query_count, received, sent, xact_time, query_time, "
    "wait_time, client_parse_count, server_parse_count, bind_count, client_login_count";
const std::string kStatsAverage =
    "server_assignment_count, xact_count, query_count, recv, sent, xact_time, query_time, "
    "wait_time, client_parse_count, server_parse_count, bind_count, client_login_count";

const std::map<std::string, std::string> kShows = {
    {"VERSION", "version t"},
    {"CONFIG", "key t, value t, default t, changeable t"},
    {"DATABASES",
     "name t, host t, port i, database t, force_user t, pool_size i, min_pool_size i, "
     "reserve_pool_size i, server_lifetime i, pool_mode t, load_balance_hosts t, "
     "max_connections i, current_connections i, max_client_connections i, "
     "current_client_connections i, paused i, disabled i"},
    {"POOLS",
     "database t, user t, cl_active i, cl_waiting i, cl_active_cancel_req i, "
     "cl_waiting_cancel_req i, sv_active i, sv_active_cancel i, sv_being_canceled i, sv_idle i, "
     "sv_used i, sv_tested i, sv_login i, maxwait i, maxwait_us i, pool_mode t, "
     "load_balance_hosts t"},
    {"CLIENTS", kConnectionColumns},
    {"SERVERS", kConnectionColumns},
    {"STATS",
     "database t, " + each("total_", kStatsTotal, " n") + ", " + each("avg_", kStatsAverage, " n")},
    {"STATS_TOTALS", "database t, " + each("", kTotals, " n")},
    {"STATS_AVERAGES", "database t, " + each("", kAverages, " n")},
    {"TOTALS", "name t, value n"},
    {"LISTS", "list t, items i"},
    {"USERS",
     "name t, pool_size t, reserve_pool_size t, pool_mode t, max_user_connections i, "
     "current_connections i, max_user_client_connections i, current_client_connections i"},
    {"STATE", "key t, value t"},
    {"MEM", "name t, size i, used i, free i, memtotal i"},
};

std::string names(const std::vector<Record>& records, const std::string& column) {
  std::string result;
  for (const auto& record : records) result += record.at(column) + " ";
  return result;
}

Record row_with(const std::vector<Record>& records, const std::string& column,
                const std::string& value) {
  for (const auto& record : records) {
    if (record.at(column) == value) return record;
  }
  return {};
}

}  // namespace

TEST_CASE("every SHOW has exactly its columns and types") {
  Remuda remuda;
  Pq client = remuda.connect();
  client.exec("BEGIN");
  Pq console = remuda.console();
  for (const auto& [name, spec] : kShows) {
    INFO("SHOW " << name);
    console.send("SHOW " + name);
    const auto results = console.all_results();
    REQUIRE(results.size() == 1);
    check_result(results[0].get());
    CHECK(columns_of(results[0].get()) == columns_of(spec));
    CHECK(std::string(PQcmdStatus(results[0].get())) == "SHOW");
  }
}

TEST_CASE("SHOW HELP is a notice") {
  Remuda remuda;
  Pq console = remuda.console();
  CHECK(console.exec("SHOW HELP").empty());
  REQUIRE(console.notices().size() == 1);
  CHECK(console.notices()[0].find("Console usage") != std::string::npos);
  CHECK(console.notices()[0].find("SHOW") != std::string::npos);
}

TEST_CASE("the console answers under both names, and to small variations") {
  Remuda remuda;
  for (const char* name : {"pgbouncer", "remuda"}) {
    Pq console = remuda.connect(name);
    for (const char* text : {"SHOW VERSION", "show version;", "  Show\n\tVersion  ;",
                             "SELECT version", "SHOW \"version\""}) {
      INFO(text);
      CHECK(console.exec(text).size() == 1);
    }
  }
}

TEST_CASE("SHOW CONFIG knows defaults and what RELOAD can change") {
  Remuda remuda(ini_text("default_pool_size = 7"));
  const auto rows = remuda.show("CONFIG");
  const Record size = row_with(rows, "key", "default_pool_size");
  CHECK(size.at("value") == "7");
  CHECK(size.at("default") == "20");
  CHECK(size.at("changeable") == "yes");
  CHECK(row_with(rows, "key", "listen_port").at("changeable") == "no");
  CHECK(row_with(rows, "key", "auth_user").at("default") == "(null)");
  CHECK(rows.size() >= 90);
}

TEST_CASE("SHOW POOLS, CLIENTS and SERVERS follow what clients do") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  Address address = remuda.address();
  address.options = "application_name=watched";
  Pq client(address);
  client.exec("BEGIN");
  Pq waiting = remuda.connect();
  waiting.send("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  const Record pool = remuda.pool("p0");
  CHECK(pool.at("cl_active") == "1");
  CHECK(pool.at("sv_active") == "1");
  CHECK(pool.at("pool_mode") == "transaction");

  const auto clients = remuda.show("CLIENTS");
  const Record active = row_with(clients, "application_name", "watched");
  REQUIRE_FALSE(active.empty());
  CHECK(active.at("type") == "C");
  CHECK(active.at("state") == "active");
  CHECK(active.at("user") == "postgres");
  CHECK(active.at("database") == "p0");
  CHECK(active.at("addr") == "127.0.0.1");
  CHECK(active.at("link") != "");
  CHECK(row_with(clients, "state", "waiting").at("database") == "p0");
  CHECK_FALSE(row_with(clients, "database", "pgbouncer").empty());

  const auto servers = remuda.show("SERVERS");
  REQUIRE(servers.size() == 1);
  CHECK(servers[0].at("type") == "S");
  CHECK(servers[0].at("state") == "active");
  CHECK(servers[0].at("link") == active.at("ptr"));
  CHECK(servers[0].at("ptr") == active.at("link"));
  CHECK(servers[0].at("remote_pid") == client.value("SELECT pg_backend_pid()"));
  CHECK(servers[0].at("port") == std::to_string(postgres().port()));

  client.exec("COMMIT");
  waiting.finish();
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
  CHECK(row_with(remuda.show("CLIENTS"), "application_name", "watched").at("state") == "idle");
}

TEST_CASE("rows of clients are one list, whichever worker has them") {
  Remuda remuda(ini_text("workers = 4\nmax_client_conn = 100"));
  std::vector<Pq> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(remuda.connect(i % 2 ? "p0" : "p1"));
  CHECK(eventually([&] { return remuda.show("CLIENTS").size() == 21; }));
  CHECK(names(remuda.show("POOLS"), "database") == "p0 p1 pgbouncer ");
}

TEST_CASE("SHOW STATS counts") {
  Remuda remuda;
  Pq client = remuda.connect();
  for (int i = 0; i < 10; ++i) client.exec("SELECT 1");
  client.exec("BEGIN");
  client.exec("SELECT pg_sleep(0.05)");
  client.exec("COMMIT");
  Record stats;
  CHECK(eventually([&] {
    stats = row_with(remuda.show("STATS"), "database", "p0");
    return stats.at("total_xact_count") == "11";
  }));
  CHECK(stats.at("total_query_count") == "13");
  CHECK(stats.at("total_client_login_count") == "1");
  CHECK(std::stol(stats.at("total_received")) > 13 * 10);
  CHECK(std::stol(stats.at("total_sent")) > 13 * 10);
  CHECK(std::stol(stats.at("total_xact_time")) >= 50000);
  CHECK(std::stol(stats.at("total_query_time")) >= 50000);
  CHECK(row_with(remuda.show("TOTALS"), "name", "total_xact_count").at("value") >= "11");
}

TEST_CASE("SHOW LISTS, STATE, USERS and DATABASES") {
  Remuda remuda(ini_text("max_db_connections = 9",
                         "p0 = host=127.0.0.1 port={pg_port} pool_size=3 "
                         "dbname=p1 user=trust_user\n"));
  Pq client = remuda.connect("p0");
  CHECK(names(remuda.show("LISTS"), "list") ==
        "databases users peers pools peer_pools free_clients used_clients login_clients "
        "free_servers used_servers dns_names dns_zones dns_queries dns_pending ");
  CHECK(names(remuda.show("STATE"), "key") == "active paused suspended ");
  CHECK(names(remuda.show("STATE"), "value") == "yes no no ");
  CHECK_FALSE(row_with(remuda.show("USERS"), "name", "scram_user").empty());
  const Record database = row_with(remuda.show("DATABASES"), "name", "p0");
  CHECK(database.at("host") == "127.0.0.1");
  CHECK(database.at("database") == "p1");
  CHECK(database.at("force_user") == "trust_user");
  CHECK(database.at("pool_size") == "3");
  CHECK(database.at("max_connections") == "9");
  CHECK(database.at("pool_mode") == "(null)");
  CHECK(database.at("paused") == "0");
  CHECK(row_with(remuda.show("DATABASES"), "name", "pgbouncer").at("pool_mode") == "statement");
}

TEST_CASE("who may do what") {
  Remuda remuda(ini_text("admin_users = postgres\nstats_users = trust_user"));
  Pq reader = remuda.connect("pgbouncer", "trust_user");
  CHECK(reader.exec("SHOW POOLS").size() >= 1);
  for (const char* command : {"PAUSE", "RESUME", "RELOAD", "SHUTDOWN"}) {
    const auto refused = pq_error([&] { reader.exec(command); });
    CHECK(refused.message == "admin access needed");
    CHECK(refused.sqlstate == "08P01");
  }
  const auto stranger = remuda.refusal("pgbouncer", "md5_user");
  CHECK(stranger.message == "not allowed");
  CHECK(stranger.sqlstate == "08P01");
  CHECK(reader.exec("SHOW VERSION").size() == 1);
}

TEST_CASE("what the console does not understand") {
  Remuda remuda;
  Pq console = remuda.console();
  for (const std::string text :
       {"SHOW NONSENSE", "DROP TABLE x", "", ";", "SHOW", "SHOW POOLS x y"}) {
    INFO(text);
    const auto error = pq_error([&] { console.exec(text); });
    CHECK(error.message == "invalid command '" + text + "', use SHOW HELP;");
    CHECK(error.sqlstate == "08P01");
  }
  CHECK(console.exec("SHOW VERSION").size() == 1);
}

TEST_CASE("drivers that speak only the extended protocol are understood") {
  Remuda remuda;
  Pq console = remuda.console();
  CHECK(console.exec_params("SHOW VERSION", {}).size() == 1);
  const auto refused = pq_error([&] { console.exec_params("SHOW NONSENSE", {}); });
  CHECK(refused.message == "invalid command 'SHOW NONSENSE', use SHOW HELP;");
  console.exec_params("PAUSE", {});
  console.exec_params("RESUME", {});
  CHECK(console.exec("SHOW VERSION").size() == 1);
}

TEST_CASE("PAUSE lets transactions end, then holds everyone until RESUME") {
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  Pq console = remuda.console();
  console.send("PAUSE");
  REQUIRE(remuda.wait_log("PAUSE command issued"));
  Pq other = remuda.connect();
  other.send("SELECT 2");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(PQisBusy(console.raw()) == 1);
  CHECK(busy.value("SELECT 1") == "1");
  busy.exec("COMMIT");
  console.finish();
  CHECK(postgres().wait_backends("p0", 0));
  CHECK(names(remuda.show("STATE"), "value") == "no yes no ");
  CHECK(pq_error([&] { console.exec("PAUSE"); }).message == "already suspended/paused");
  CHECK(PQisBusy(other.raw()) == 1);
  console.exec("RESUME");
  CHECK(other.finish() == Rows{{"2"}});
  CHECK(pq_error([&] { console.exec("RESUME"); }).message == "pooler is not paused/suspended");
}

TEST_CASE("PAUSE of one database leaves the others alone") {
  Remuda remuda;
  Pq paused = remuda.connect("p0");
  Pq free = remuda.connect("p1");
  Pq console = remuda.console();
  console.exec("PAUSE p0");
  paused.send("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(free.value("SELECT 2") == "2");
  CHECK(row_with(remuda.show("DATABASES"), "name", "p0").at("paused") == "1");
  CHECK(pq_error([&] { console.exec("PAUSE nowhere"); }).message == "no such database: nowhere");
  CHECK(pq_error([&] { console.exec("RESUME p1"); }).message == "database p1 is not paused");
  console.exec("RESUME p0");
  CHECK(paused.finish() == Rows{{"1"}});
}

TEST_CASE("SHUTDOWN ends the process at once") {
  Remuda remuda;
  Pq client = remuda.connect();
  client.exec("BEGIN");
  Pq console = remuda.console();
  console.send("SHUTDOWN");
  CHECK(remuda.wait_exit() == 0);
  CHECK(client.wait_closed());
  CHECK(read_file(remuda.dir() + "/.s.PGSQL." + std::to_string(remuda.port())) == "");
}

TEST_CASE("SHUTDOWN WAIT_FOR_CLIENTS, and SIGTERM, serve on until the last client has left") {
  const bool by_signal = GENERATE(false, true);
  Remuda remuda;
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 0") == "0");
  if (by_signal) {
    remuda.signal(SIGTERM);
    REQUIRE(remuda.wait_log("got SIGTERM, shutting down, waiting for all clients disconnect"));
  } else {
    remuda.console().exec("SHUTDOWN WAIT_FOR_CLIENTS");
  }
  CHECK(client.value("SELECT 1") == "1");
  CHECK(eventually([&] { return !remuda.refusal("p0").message.empty(); }));
  CHECK(client.value("SELECT 2") == "2");
  CHECK(remuda.running());
  client.close();
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("SHUTDOWN WAIT_FOR_SERVERS, and SIGINT, let transactions end") {
  const bool by_signal = GENERATE(false, true);
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  Pq idle = remuda.connect();
  if (by_signal) {
    remuda.signal(SIGINT);
    REQUIRE(remuda.wait_log(
        "got SIGINT, shutting down, waiting for all servers connections to be released"));
  } else {
    remuda.console().exec("SHUTDOWN WAIT_FOR_SERVERS");
  }
  CHECK(pq_error([&] { idle.exec("SELECT 1"); }).message == "server shutting down");
  CHECK(busy.value("SELECT 1") == "1");
  busy.exec("COMMIT");
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("a second SIGINT or SIGTERM ends a shutdown that waits; SIGQUIT ends at once") {
  const int number = GENERATE(SIGINT, SIGTERM, SIGQUIT);
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  remuda.signal(number);
  if (number != SIGQUIT) {
    REQUIRE(remuda.wait_log("shutting down, waiting for"));
    CHECK(busy.value("SELECT 1") == "1");
    remuda.signal(number);
  }
  CHECK(remuda.wait_exit() == 0);
  CHECK(remuda.log().find("fast exit") != std::string::npos);
}

TEST_CASE("the parameters the console announces") {
  Remuda remuda;
  RawClient console(remuda.port());
  console.login("postgres", "pgbouncer");
  std::string names_sent;
  for (const auto& [name, value] : console.parameters()) names_sent += name + " ";
  CHECK(names_sent ==
        "server_version client_encoding server_encoding DateStyle TimeZone "
        "standard_conforming_strings is_superuser ");
}

TEST_CASE("many consoles at once while clients come and go") {
  Remuda remuda(ini_text("max_client_conn = 200"));
  const auto failures = failures_of(12, [&](int number) {
    for (int i = 0; i < 15; ++i) {
      if (number % 2) {
        for (const auto& [name, spec] : kShows) remuda.show(name);
      } else {
        remuda.connect(number % 4 ? "p0" : "p1").exec("SELECT 1");
      }
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

}  // namespace remuda::test::console_test
