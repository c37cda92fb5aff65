// How many connections of each kind there may be, and what waits or closes when there are too many.
#include <sys/resource.h>

#include <chrono>
#include <list>

#include "support/catch.h"
#include "support/packet.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::limits_test {
namespace {

constexpr const char* kPid = "SELECT pg_backend_pid()";

// Clients that each hold a server by an open transaction.
std::vector<Pq> holders(const Remuda& remuda, int count, const std::string& dbname = "p0",
                        const std::string& user = "postgres") {
  std::vector<Pq> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(remuda.connect(dbname, user));
    clients.back().exec("BEGIN");
  }
  return clients;
}

// Waits until so many clients count for a database. The console that asks counts for its own.
bool wait_clients(const Remuda& remuda, const std::string& dbname, int count) {
  return eventually([&] {
    for (const auto& record : remuda.show("DATABASES")) {
      if (record.at("name") != dbname) continue;
      return record.at("current_client_connections") == std::to_string(count);
    }
    return false;
  });
}

// Whether this process, and one it starts, may open so many descriptors.
bool may_open(rlim_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < wanted) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, wanted);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace

TEST_CASE("default_pool_size bounds a pool, and the next client waits its turn") {
  Remuda remuda(ini_text("default_pool_size = 3"));
  auto busy = holders(remuda, 3);
  Pq next = remuda.connect();
  next.send("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(remuda.pool("p0").at("sv_active") == "3");
  CHECK(postgres().wait_backends("p0", 3));
  busy[1].exec("COMMIT");
  CHECK(next.finish() == Rows{{"1"}});
}

TEST_CASE("each database and user has a pool of its own") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  auto first = holders(remuda, 1, "p0");
  auto second = holders(remuda, 1, "p1");
  auto third = holders(remuda, 1, "p0", "trust_user");
  CHECK(third[0].value("SELECT 1") == "1");
}

TEST_CASE("pool_size of a database wins over the default") {
  Remuda remuda(ini_text("default_pool_size = 1",
                         "p0 = host=127.0.0.1 port={pg_port} pool_size=2\n"
                         "p1 = host=127.0.0.1 port={pg_port}\n"));
  auto busy = holders(remuda, 2, "p0");
  auto single = holders(remuda, 1, "p1");
  Pq waits = remuda.connect("p1");
  waits.send("SELECT 1");
  CHECK(remuda.wait_pool("p1", "cl_waiting", 1));
}

TEST_CASE("C5.35 waiting clients are served in the order they came") {
  postgres().exec("DROP TABLE IF EXISTS arrival; CREATE TABLE arrival (place serial, client int)");
  Remuda remuda(ini_text("default_pool_size = 1"));
  auto busy = holders(remuda, 1);
  std::vector<Pq> queue;
  for (int i = 0; i < 5; ++i) {
    queue.push_back(remuda.connect());
    queue.back().send("INSERT INTO arrival (client) VALUES (" + std::to_string(i) + ")");
    REQUIRE(remuda.wait_pool("p0", "cl_waiting", i + 1));
  }
  busy[0].exec("COMMIT");
  for (auto& client : queue) client.finish();
  CHECK(postgres().value("SELECT string_agg(client::text, '' ORDER BY place) FROM arrival") ==
        "01234");
}

TEST_CASE("max_client_conn refuses the next client, and frees its place when one leaves") {
  Remuda remuda(ini_text("max_client_conn = 2"));
  Pq first = remuda.connect();
  Pq second = remuda.connect();
  const auto refused = remuda.refusal("p0");
  CHECK(refused.message == "no more connections allowed (max_client_conn)");
  CHECK(refused.sqlstate == "08P01");
  // The console stays open, or nobody could look into it.
  CHECK(remuda.show("VERSION").size() == 1);
  first.close();
  CHECK(eventually([&] { return remuda.refusal("p0").message == "no error"; }));
}

TEST_CASE("client limits of databases and users count consoles, but none of an admin") {
  Remuda remuda(ini_text("max_db_client_connections = 1\nstats_users = trust_user, md5_user") +
                "\n[users]\nmd5_user = max_user_client_connections=1\n");
  const std::string database_full = "client connections exceeded (max_db_client_connections)";
  {
    Pq console = remuda.connect("pgbouncer", "trust_user");
    CHECK(remuda.refusal("pgbouncer", "trust_user").message == database_full);
    CHECK(remuda.connect("pgbouncer", "postgres").exec("SHOW VERSION").size() == 1);
    Pq client = remuda.connect("p0", "trust_user");
    CHECK(remuda.refusal("p0", "postgres").message == database_full);
  }
  REQUIRE(wait_clients(remuda, "p0", 0));
  REQUIRE(wait_clients(remuda, "pgbouncer", 1));
  CHECK(remuda.refusal("pgbouncer", "trust_user").message == "no error");
  REQUIRE(wait_clients(remuda, "pgbouncer", 1));
  Pq client = remuda.connect("p0", "md5_user", "md5-secret");
  CHECK(remuda.refusal("pgbouncer", "md5_user", "md5-secret").message ==
        "client connections exceeded (max_user_client_connections)");
}

TEST_CASE(
    "limits of `*` hold for each database made from it, those of a forced user for its pool") {
  Remuda remuda(ini_text("autodb_idle_timeout = 0.3",
                         "* = host=127.0.0.1 port={pg_port} max_db_connections=1\n"
                         "forced = host=127.0.0.1 port={pg_port} dbname=p0 user=trust_user\n") +
                "\n[users]\ntrust_user = pool_size=1\npostgres = pool_size=2\n");
  CHECK(remuda.connect("p1").value("SELECT current_database()") == "p1");
  CHECK(remuda.wait_log("registered new auto-database: p1"));
  Pq waits = remuda.connect("p1", "trust_user");
  auto first = holders(remuda, 1, "p1");
  auto second = holders(remuda, 1, "p2");
  auto forced = holders(remuda, 1, "forced");
  waits.send("SELECT 1");
  CHECK(remuda.wait_pool("p1", "cl_waiting", 1, "trust_user"));
  Pq waits_too = remuda.connect("forced", "postgres");
  waits_too.send("SELECT 1");
  CHECK(remuda.wait_pool("forced", "cl_waiting", 1, "trust_user"));
}

TEST_CASE("max_db_connections counts all users, and an idle server makes room") {
  Remuda remuda(ini_text("max_db_connections = 2"));
  Pq one = remuda.connect("p0", "postgres");
  Pq other = remuda.connect("p0", "trust_user");
  Pq third = remuda.connect("p0", "md5_user", "md5-secret");
  one.exec("BEGIN");
  other.exec("BEGIN");
  third.send("SELECT 3");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1, "md5_user"));
  CHECK(postgres().wait_backends("p0", 2));
  other.exec("COMMIT");
  CHECK(third.finish() == Rows{{"3"}});
  CHECK(remuda.wait_log("evicted"));
  CHECK(eventually([] { return postgres().backends("p0") <= 2; }));
  // Now trust_user has no server, and gets one from md5_user's idle one in turn.
  CHECK(other.value("SELECT 2") == "2");
  CHECK(one.value("SELECT 1") == "1");
}

TEST_CASE("max_user_connections counts all databases, and an idle server makes room") {
  Remuda remuda(ini_text("max_user_connections = 1"));
  Pq one = remuda.connect("p0");
  Pq other = remuda.connect("p1");
  one.exec("BEGIN");
  other.send("SELECT 2");
  REQUIRE(remuda.wait_pool("p1", "cl_waiting", 1));
  one.exec("COMMIT");
  CHECK(other.finish() == Rows{{"2"}});
  CHECK(one.value("SELECT 1") == "1");
  CHECK(remuda.connect("p0", "trust_user").value("SELECT 3") == "3");
}

TEST_CASE("C5.35 many pools that share one database limit all get their turn") {
  Remuda remuda(ini_text("max_db_connections = 2\nmax_client_conn = 100"));
  const std::vector<std::pair<std::string, std::string>> users = {{"postgres", ""},
                                                                  {"trust_user", ""},
                                                                  {"md5_user", "md5-secret"},
                                                                  {"plain_user", "plain-secret"},
                                                                  {"scram_user", "scram-secret"}};
  const auto failures = failures_of(15, [&](int number) {
    const auto& [user, password] = users[static_cast<size_t>(number) % users.size()];
    Pq client = remuda.connect("p0", user, password);
    for (int i = 0; i < 10; ++i) {
      if (client.value("SELECT current_user") != user) throw std::runtime_error("a wrong user");
    }
  });
  CHECK(failures == std::vector<std::string>{});
  CHECK(eventually([] { return postgres().backends("p0") <= 2; }));
}

TEST_CASE("the reserve helps when a client has waited long enough") {
  Remuda remuda(
      ini_text("default_pool_size = 1\nreserve_pool_size = 1\nreserve_pool_timeout = 0.2"));
  auto busy = holders(remuda, 1);
  Pq second = remuda.connect();
  CHECK(second.value("SELECT 2") == "2");
  CHECK(postgres().wait_backends("p0", 2));
  CHECK(remuda.wait_log("taking connection from reserve_pool"));
  second.exec("BEGIN");
  Pq third = remuda.connect();
  third.send("SELECT 3");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(postgres().wait_backends("p0", 2));
}

TEST_CASE("min_pool_size keeps servers open") {
  Remuda remuda(ini_text("min_pool_size = 3"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 1") == "1");
  CHECK(postgres().wait_backends("p0", 3));
}

TEST_CASE("min_pool_size with a forced user needs no client") {
  Remuda remuda(
      ini_text("", "p0 = host=127.0.0.1 port={pg_port} user=trust_user min_pool_size=2\n"));
  CHECK(postgres().wait_backends("p0", 2));
}

TEST_CASE("query_wait_timeout ends a wait") {
  Remuda remuda(ini_text("default_pool_size = 1\nquery_wait_timeout = 0.3"));
  auto busy = holders(remuda, 1);
  Pq client = remuda.connect();
  const auto error = pq_error([&] { client.exec("SELECT 1"); });
  CHECK(error.message == "query_wait_timeout");
  CHECK(error.sqlstate == "08P01");
  CHECK(client.wait_closed());
  CHECK(busy[0].value("SELECT 2") == "2");
}

TEST_CASE("server_idle_timeout closes servers nobody uses") {
  Remuda remuda(ini_text("server_idle_timeout = 0.3"));
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(postgres().wait_backends("p0", 0));
  CHECK(remuda.wait_log("server idle timeout"));
}

TEST_CASE("server_lifetime replaces old servers, and 0 means one use") {
  Remuda remuda(ini_text("server_lifetime = 0"));
  Pq client = remuda.connect();
  const std::string pid = client.value(kPid);
  CHECK(eventually([&] { return client.value(kPid) != pid; }));
  CHECK(remuda.wait_log("server lifetime over"));
}

TEST_CASE("a pool that shrinks closes what is too many") {
  Remuda remuda(ini_text("default_pool_size = 4"));
  auto busy = holders(remuda, 4);
  remuda.write_ini(ini_text("default_pool_size = 2"));
  remuda.reload();
  for (auto& client : busy) client.exec("COMMIT");
  CHECK(postgres().wait_backends("p0", 2));
}

TEST_CASE("C5.34 clients that connect and leave over and over use up nothing") {
  Remuda remuda(ini_text("max_client_conn = 20\ndefault_pool_size = 2\nmax_db_connections = 2"));
  for (int round = 0; round < 10; ++round) {
    const auto failures = failures_of(15, [&](int number) {
      Pq client = remuda.connect();
      if (number % 3 == 0) client.exec("BEGIN");
      if (number % 3 == 1) client.send("SELECT 1");
    });
    // A place is free again a moment after its client has left: 15 of 20 leave room for that.
    for (const auto& failure : failures)
      CHECK(failure.find("max_client_conn") != std::string::npos);
    REQUIRE(eventually([&] {
      const auto pool = remuda.pool("p0");
      return pool.empty() || (pool.at("cl_active") == "0" && pool.at("cl_waiting") == "0");
    }));
  }
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("a burst of two thousand logins is absorbed, and those who are in go on meanwhile") {
  constexpr int kBurst = 2000;
  if (!may_open(kBurst + 200)) {
    WARN("left out: too few descriptors are allowed");
    return;
  }
  Remuda remuda(ini_text("max_client_conn = 3000\nlisten_backlog = 4096"));
  Pq bystander = remuda.connect();
  std::list<RawClient> crowd;
  for (int i = 0; i < kBurst; ++i) {
    crowd.emplace_back(remuda.port()).send(startup({{"user", "postgres"}, {"database", "p0"}}));
    if (i % 100 == 0) REQUIRE(bystander.value("SELECT 1") == "1");
  }
  for (RawClient& client : crowd) {
    REQUIRE(types_of(client.read_until('Z')).find('E') == std::string::npos);
  }
  CHECK(remuda.pool("p0").at("cl_active") == std::to_string(kBurst + 1));
  CHECK(crowd.back().value("SELECT 2") == "2");
  crowd.clear();
  CHECK(remuda.wait_pool("p0", "cl_active", 1));
}

}  // namespace remuda::test::limits_test
