// A pool that several workers serve: its servers go where clients wait, and nothing of one client
// goes with them.
#include <signal.h>

#include <future>
#include <map>
#include <mutex>
#include <set>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/packet.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::lending_test {
namespace {

// Two homes, and a single server that both want.
const char* const kOneServer = "max_db_connections = 1\n";

std::string two_homes(const std::string& settings = "", const std::string& databases = "") {
  return ini_text("workers = 2\ndefault_pool_size = 8\nmax_client_conn = 500\n" + settings,
                  databases);
}

// The number of the worker that greeted the client: the key it was given names it.
int home_of(const Pq& client) {
  constexpr int kIndexBits = 24;
  return client.backend_pid() >> kIndexBits;
}

// Clients of one pool by the worker they are on, the pool's first home first.
struct Homes {
  Homes(const Remuda& remuda, size_t at_second, const std::string& dbname = "p0",
        const std::string& user = "postgres", const std::string& password = "") {
    constexpr size_t kMost = 100;
    for (size_t i = 0; i < kMost && second.size() < at_second; ++i) {
      Pq client = remuda.connect(dbname, user, password);
      const bool is_first = first.empty() || home_of(client) == home_of(first.front());
      (is_first ? first : second).push_back(std::move(client));
    }
    REQUIRE(second.size() == at_second);
  }
  std::vector<Pq> first;
  std::vector<Pq> second;
};

int sum(const std::vector<Record>& rows, const std::string& column) {
  int total = 0;
  for (const Record& row : rows) total += std::stoi(row.at(column));
  return total;
}

int in_workers(const Remuda& remuda, const std::string& column) {
  return sum(remuda.show("WORKERS"), column);
}

bool wait_waiting(const Remuda& remuda, int count) {
  return eventually([&] { return in_workers(remuda, "waiting") == count; });
}

int count_of(const std::string& what, const std::string& text) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string sleeping_count() {
  return postgres().value(
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query "
      "LIKE 'SELECT pg_sleep(600)%'");
}

}  // namespace

TEST_CASE("a server that becomes free serves a client of another worker") {
  Remuda remuda(two_homes());
  Homes homes(remuda, 1);
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("BEGIN");
  CHECK(in_workers(remuda, "lent") == 0);
  Pq& hungry = homes.second[0];
  hungry.send("SELECT 42");
  REQUIRE(wait_waiting(remuda, 1));
  homes.first[3].exec("COMMIT");
  CHECK(hungry.finish() == Rows{{"42"}});
  CHECK(in_workers(remuda, "lent") == 1);
  CHECK(in_workers(remuda, "taken") == 1);
  CHECK(in_workers(remuda, "servers") == 8);
  CHECK(postgres().wait_backends("p0", 8));
  // It stays, and serves there.
  CHECK(hungry.value("SELECT 43") == "43");
  CHECK(in_workers(remuda, "lent") == 1);
}

TEST_CASE("idle servers are fed to a worker that has none") {
  Remuda remuda(two_homes());
  Homes homes(remuda, 3);
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("BEGIN");
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("COMMIT");
  for (Pq& client : homes.second) client.exec("BEGIN");
  for (Pq& client : homes.second) CHECK(client.value("SELECT 1") == "1");
  CHECK(in_workers(remuda, "lent") == 3);
  CHECK(postgres().wait_backends("p0", 8));
}

TEST_CASE("four homes share the servers") {
  Remuda remuda(
      ini_text("workers = 4\ndefault_pool_size = 16\nmax_client_conn = 500\n"
               "max_db_connections = 3\n"));
  std::vector<Pq> clients;
  for (int i = 0; i < 48; ++i) clients.push_back(remuda.connect());
  std::map<int, int> by_home;
  for (const Pq& client : clients) ++by_home[home_of(client)];
  REQUIRE(by_home.size() == 4);
  for (int round = 0; round < 3; ++round) {
    for (Pq& client : clients) client.send("SELECT pg_backend_pid()");
    for (Pq& client : clients) CHECK(client.finish().size() == 1);
  }
  CHECK(in_workers(remuda, "lent") > 0);
  CHECK(in_workers(remuda, "lent") == in_workers(remuda, "taken"));
  CHECK(eventually([] { return postgres().backends("p0") <= 3; }));
}

TEST_CASE("values that one client has set are not seen through a lent server") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  Pq& here = homes.first[0];
  Pq& there = homes.second[0];
  const std::string zone = there.value("SHOW TimeZone");
  here.exec("SET TimeZone = 'Asia/Tokyo'");
  here.exec("SET application_name = 'here'");
  here.exec("SET DateStyle = 'German, DMY'");
  for (int i = 0; i < 10; ++i) {
    CHECK(there.value("SHOW TimeZone") == zone);
    CHECK(there.value("SHOW application_name") == "");
    CHECK(there.value("SHOW DateStyle") == "ISO, MDY");
    CHECK(here.value("SHOW TimeZone") == "Asia/Tokyo");
    CHECK(here.value("SHOW application_name") == "here");
    CHECK(here.value("SHOW DateStyle") == "German, DMY");
  }
  CHECK(in_workers(remuda, "lent") >= 19);
  CHECK(postgres().wait_backends("p0", 1));
}

TEST_CASE("a session's state is reset before its server goes to another worker") {
  Remuda remuda(two_homes(std::string(kOneServer) + "pool_mode = session\n"));
  Homes homes(remuda, 1);
  Pq& here = homes.first[0];
  const std::string pid = here.value("SELECT pg_backend_pid()");
  here.exec("SET work_mem = '77MB'");
  here.exec("CREATE TEMP TABLE mine (a int)");
  here.exec("PREPARE mine AS SELECT 1");
  Pq& there = homes.second[0];
  there.send("SHOW work_mem");
  REQUIRE(wait_waiting(remuda, 1));
  here.close();
  CHECK(there.finish() != Rows{{"77MB"}});
  CHECK(there.value("SELECT pg_backend_pid()") == pid);
  CHECK(there.value("SELECT count(*) FROM pg_prepared_statements") == "0");
  CHECK(pq_error([&] { there.exec("SELECT * FROM mine"); }).sqlstate == "42P01");
  CHECK(in_workers(remuda, "taken") == 1);
}

TEST_CASE("statement pooling lends between statements") {
  Remuda remuda(two_homes(std::string(kOneServer) + "pool_mode = statement\n"));
  Homes homes(remuda, 1);
  for (int i = 0; i < 10; ++i) {
    CHECK(homes.first[0].value("SELECT " + std::to_string(i)) == std::to_string(i));
    CHECK(homes.second[0].value("SELECT " + std::to_string(-i)) == std::to_string(-i));
  }
  CHECK(in_workers(remuda, "lent") >= 19);
}

TEST_CASE("a server over TLS travels with its encryption") {
  Remuda remuda(two_homes("server_tls_sslmode = require\nmax_db_connections = 1\n",
                          "p0 = host=127.0.0.1 port={tls_port}\n"));
  Homes homes(remuda, 1);
  const std::string own = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  const std::string pid = homes.first[0].value("SELECT pg_backend_pid()");
  for (int i = 0; i < 5; ++i) {
    CHECK(homes.second[0].value(own) == "t");
    CHECK(homes.first[0].value("SELECT length(repeat('x', 100000))") == "100000");
    CHECK(homes.second[0].value("SELECT repeat('x', 100000)").size() == 100000);
    CHECK(homes.first[0].value("SELECT pg_backend_pid()") == pid);
  }
  CHECK(in_workers(remuda, "lent") >= 9);
}

TEST_CASE("a cancel request means the query of its client, wherever the server has gone") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  Pq& here = homes.first[0];
  Pq& there = homes.second[0];
  here.value("SELECT 1");
  there.send("SELECT pg_sleep(600)");
  REQUIRE(eventually([] { return sleeping_count() == "1"; }));
  // It had the server before.
  CHECK(here.cancel());
  CHECK(sleeping_count() == "1");
  CHECK(there.cancel());
  CHECK(pq_error([&] { there.finish(); }).sqlstate == "57014");
  here.send("SELECT pg_sleep(600)");
  REQUIRE(eventually([] { return sleeping_count() == "1"; }));
  CHECK(there.cancel());
  CHECK(sleeping_count() == "1");
  CHECK(here.cancel());
  CHECK(pq_error([&] { here.finish(); }).sqlstate == "57014");
  CHECK(there.value("SELECT 1") == "1");
  CHECK(in_workers(remuda, "lent") >= 2);
}

TEST_CASE("a server is not lent while a cancel request is on its way to it") {
  FakeServer server(slow_cancel());
  Remuda remuda(
      two_homes(kOneServer, "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  Homes homes(remuda, 1);
  Pq& here = homes.first[0];
  here.send("first");
  REQUIRE(server.wait_note("first"));
  auto cancel = std::async(std::launch::async, [&] { return here.cancel(); });
  CHECK(here.finish() == Rows{{"first"}});
  Pq& there = homes.second[0];
  there.send("second");
  REQUIRE(wait_waiting(remuda, 1));
  CHECK(remuda.pool("p0").at("sv_idle") == "0");
  CHECK(in_workers(remuda, "lent") == 0);
  server.release();
  CHECK(there.finish() == Rows{{"second"}});
  CHECK(cancel.get());
  CHECK(in_workers(remuda, "lent") == 1);
}

TEST_CASE("a client of another worker that stops waiting is missed by nobody") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 3);
  Pq& holder = homes.first[0];
  holder.exec("BEGIN");
  for (Pq& client : homes.second) {
    client.send("SELECT 7");
  }
  REQUIRE(wait_waiting(remuda, 3));
  SECTION("it leaves") {
    homes.second[0].close();
  }
  SECTION("it is killed") {
    std::string id;
    for (const Record& row : remuda.show("CLIENTS")) {
      if (row.at("state") == "waiting") id = row.at("id");
    }
    remuda.console().exec("KILL_CLIENT " + id);
  }
  REQUIRE(wait_waiting(remuda, 2));
  holder.exec("COMMIT");
  int answered = 0;
  for (Pq& client : homes.second) {
    if (client.raw() == nullptr) continue;
    if (pq_error([&] { client.finish(); }).message == "no error") ++answered;
  }
  CHECK(answered == 2);
  CHECK(holder.value("SELECT 8") == "8");
}

TEST_CASE("PAUSE and RESUME with a client of another worker waiting") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  homes.first[0].exec("BEGIN");
  homes.second[0].send("SELECT 7");
  REQUIRE(wait_waiting(remuda, 1));
  Pq console = remuda.console();
  console.send("PAUSE p0");
  REQUIRE(eventually([&] {
    for (const Record& row : remuda.show("DATABASES")) {
      if (row.at("name") == "p0") return row.at("paused") == "1";
    }
    return false;
  }));
  homes.first[0].exec("COMMIT");
  console.finish();
  CHECK(in_workers(remuda, "servers") == 0);
  CHECK(in_workers(remuda, "waiting") == 1);
  console.exec("RESUME p0");
  CHECK(homes.second[0].finish() == Rows{{"7"}});
}

TEST_CASE("RECONNECT closes the server that clients of two workers share") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  const std::string before = homes.first[0].value("SELECT pg_backend_pid()");
  homes.first[0].exec("BEGIN");
  homes.second[0].send("SELECT pg_backend_pid()");
  REQUIRE(wait_waiting(remuda, 1));
  remuda.console().exec("RECONNECT");
  CHECK(homes.first[0].value("SELECT pg_backend_pid()") == before);
  homes.first[0].exec("COMMIT");
  const Rows after = homes.second[0].finish();
  CHECK(after != Rows{{before}});
  remuda.console().exec("WAIT_CLOSE");
  CHECK(Rows{{homes.first[0].value("SELECT pg_backend_pid()")}} == after);
}

TEST_CASE("KILL ends clients and servers of every home") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  homes.first[0].exec("BEGIN");
  homes.second[0].send("SELECT 1");
  REQUIRE(wait_waiting(remuda, 1));
  remuda.console().exec("KILL p0");
  CHECK(pq_error([&] { homes.second[0].finish(); }).message == "database removed");
  for (Pq& client : homes.first) CHECK(client.wait_closed());
  CHECK(postgres().wait_backends("p0", 0));
  remuda.console().exec("RESUME p0");
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("SHUTDOWN WAIT_FOR_SERVERS refuses those who wait on every home") {
  Remuda remuda(two_homes(kOneServer));
  Homes homes(remuda, 1);
  homes.first[0].exec("BEGIN");
  homes.second[0].send("SELECT 1");
  REQUIRE(wait_waiting(remuda, 1));
  remuda.console().exec("SHUTDOWN WAIT_FOR_SERVERS");
  CHECK(pq_error([&] { homes.second[0].finish(); }).message == "server shutting down");
  homes.first[0].exec("COMMIT");
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("SIGTERM waits for the clients of every home, and they are served meanwhile") {
  Remuda remuda(two_homes(kOneServer));
  {
    Homes homes(remuda, 1);
    homes.first[0].exec("BEGIN");
    homes.second[0].send("SELECT 5");
    REQUIRE(wait_waiting(remuda, 1));
    remuda.signal(SIGTERM);
    REQUIRE(remuda.wait_log("waiting for all clients disconnect"));
    homes.first[0].exec("COMMIT");
    CHECK(homes.second[0].finish() == Rows{{"5"}});
    CHECK(homes.first[1].value("SELECT 6") == "6");
    CHECK(remuda.running());
  }
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("a smaller pool goes on serving clients on more homes than it would have") {
  const std::string settings = "query_wait_timeout = 100\n";
  Remuda remuda(two_homes(settings));
  Homes homes(remuda, 4);
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("BEGIN");
  remuda.write_ini(two_homes(settings + "default_pool_size = 1\n"));
  remuda.reload();
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("COMMIT");
  CHECK(eventually([] { return postgres().backends("p0") <= 1; }));
  for (Pq& client : homes.second) client.send("SELECT 1");
  for (Pq& client : homes.first) client.send("SELECT 1");
  for (Pq& client : homes.second) CHECK(client.finish() == Rows{{"1"}});
  for (Pq& client : homes.first) CHECK(client.finish() == Rows{{"1"}});
  CHECK(postgres().wait_backends("p0", 1));
}

TEST_CASE("the reserve is for clients of any home that have waited for long") {
  Remuda remuda(two_homes("reserve_pool_size = 1\nreserve_pool_timeout = 1\n"));
  Homes homes(remuda, 2);
  for (size_t i = 0; i < 8; ++i) homes.first[i].exec("BEGIN");
  homes.second[0].exec("BEGIN");
  CHECK(postgres().wait_backends("p0", 9));
  homes.second[1].send("SELECT 1");
  REQUIRE(wait_waiting(remuda, 1));
  homes.first[0].exec("COMMIT");
  CHECK(homes.second[1].finish() == Rows{{"1"}});
}

TEST_CASE("limits of database and user hold over homes and pools") {
  SECTION("max_user_connections") {
    Remuda remuda(two_homes("max_user_connections = 2\n"));
    Homes homes(remuda, 1);
    Pq other = remuda.connect("p1");
    homes.first[0].exec("BEGIN");
    homes.second[0].exec("BEGIN");
    other.send("SELECT 3");
    REQUIRE(wait_waiting(remuda, 1));
    CHECK(in_workers(remuda, "servers") == 2);
    homes.second[0].exec("COMMIT");
    CHECK(other.finish() == Rows{{"3"}});
    CHECK(in_workers(remuda, "servers") == 2);
  }
  SECTION("max_db_connections, and idle servers of the other user give way") {
    Remuda remuda(two_homes("max_db_connections = 2\n"));
    Homes homes(remuda, 1);
    Homes others(remuda, 1, "p0", "trust_user");
    for (int i = 0; i < 5; ++i) {
      homes.first[0].exec("BEGIN");
      homes.second[0].exec("BEGIN");
      homes.first[0].exec("COMMIT");
      homes.second[0].exec("COMMIT");
      others.first[0].exec("BEGIN");
      others.second[0].exec("BEGIN");
      CHECK(in_workers(remuda, "servers") <= 2);
      others.first[0].exec("COMMIT");
      others.second[0].exec("COMMIT");
    }
  }
}

TEST_CASE("min_pool_size counts the servers of all homes") {
  Remuda remuda(two_homes("min_pool_size = 3\nmax_db_connections = 3\n"));
  Homes homes(remuda, 1);
  REQUIRE(remuda.wait_pool("p0", "sv_idle", 3));
  // Those that go elsewhere are not replaced.
  homes.second[0].exec("BEGIN");
  for (Pq& client : homes.first) client.value("SELECT 1");
  homes.second[0].exec("COMMIT");
  CHECK(in_workers(remuda, "servers") == 3);
  remuda.console().exec("RECONNECT");
  CHECK(remuda.wait_pool("p0", "sv_idle", 3));
}

TEST_CASE("first logins on every home go on when one server has come") {
  std::atomic<bool> may_greet{false};
  FakeServer server([&](FakePeer& peer) {
    peer.accept_startup();
    eventually([&] { return may_greet.load(); });
    peer.send(packet('R', be32(0)));
    peer.greet();
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(two_homes("max_db_connections = 1\n",
                          "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  std::mutex mutex;
  std::vector<Pq> clients;
  auto logins = std::async(std::launch::async, [&] {
    return failures_of(24, [&](int) {
      Pq client = remuda.connect();
      const std::lock_guard lock(mutex);
      clients.push_back(std::move(client));
    });
  });
  REQUIRE(eventually([&] { return server.connections() == 1; }));
  REQUIRE(eventually([&] { return count_of("login attempt: db=p0", remuda.log()) == 24; }));
  may_greet = true;
  CHECK(logins.get() == std::vector<std::string>());
  std::set<int> homes;
  for (Pq& client : clients) {
    CHECK(client.value("question") == "question");
    homes.insert(home_of(client));
  }
  CHECK(homes.size() == 2);
  CHECK(server.connections() == 1);
}

TEST_CASE("a refused server login is told to logins on every home") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(error_response("28000", "go away", "FATAL"));
  });
  Remuda remuda(two_homes("server_login_retry = 1\n",
                          "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  std::atomic<int> told{0};
  CHECK(failures_of(24, [&](int) {
          const PqError error = remuda.refusal("p0");
          if (error.message.find("go away") != std::string::npos) ++told;
        }) == std::vector<std::string>());
  CHECK(told == 24);
}

TEST_CASE("auth_query is given a server that another home has") {
  Remuda remuda(two_homes("max_db_connections = 1\nauth_type = scram-sha-256\n"
                          "auth_user = postgres\nauth_dbname = p0\n"),
                "\"postgres\" \"postgres-secret\"\n");
  remuda.set_console("postgres", "postgres-secret");
  Homes homes(remuda, 1, "p0", "postgres", "postgres-secret");
  homes.second[0].exec("BEGIN");
  auto login = std::async(std::launch::async, [&] {
    return remuda.connect("p2", "scram_user", "scram-secret").value("SELECT current_user");
  });
  REQUIRE(eventually([&] {
    // The console's own login may be one of them.
    return remuda.console().exec("SHOW WORKERS").size() == 2 && in_workers(remuda, "logins") > 0;
  }));
  homes.second[0].exec("COMMIT");
  CHECK(login.get() == "scram_user");
  CHECK(in_workers(remuda, "lent") > 0);
}

}  // namespace remuda::test::lending_test
