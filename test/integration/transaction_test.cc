// Who has a server, and for how long, in the three pool modes.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::transaction_test {
namespace {

constexpr const char* kPid = "SELECT pg_backend_pid()";

// One server for everybody.
std::string single(const std::string& settings = "") {
  return ini_text("default_pool_size = 1\n" + settings);
}

}  // namespace

TEST_CASE("64 clients over 4 servers lose no update") {
  postgres().exec(
      "DROP TABLE IF EXISTS account; CREATE TABLE account (id int, balance int);"
      "INSERT INTO account SELECT i, 0 FROM generate_series(0, 7) i");
  Remuda remuda(ini_text("default_pool_size = 4\nmax_client_conn = 200"));
  constexpr int kClients = 64;
  constexpr int kRounds = 25;
  const auto failures = failures_of(kClients, [&](int number) {
    Pq client = remuda.connect();
    const std::string from = std::to_string(number % 4);
    const std::string to = std::to_string(4 + number % 4);
    for (int round = 0; round < kRounds; ++round) {
      client.exec("BEGIN");
      client.exec("UPDATE account SET balance = balance - 1 WHERE id = " + from);
      client.exec_params("UPDATE account SET balance = balance + 1 WHERE id = $1", {to});
      client.exec("COMMIT");
      if (client.value("SELECT " + std::to_string(number)) != std::to_string(number))
        throw std::runtime_error("someone else's answer");
    }
  });
  CHECK(failures == std::vector<std::string>{});
  CHECK(eventually([] { return postgres().backends("p0") <= 4; }));
  CHECK(postgres().value("SELECT sum(balance) FROM account") == "0");
  CHECK(postgres().value("SELECT sum(balance) FROM account WHERE id >= 4") ==
        std::to_string(kClients * kRounds));
}

TEST_CASE("two clients take turns on one server") {
  Remuda remuda(single());
  Pq one = remuda.connect();
  Pq other = remuda.connect();
  const std::string pid = one.value(kPid);
  CHECK(other.value(kPid) == pid);
  CHECK(one.value(kPid) == pid);
}

TEST_CASE("a transaction keeps its server until it ends") {
  Remuda remuda(single());
  Pq one = remuda.connect();
  Pq other = remuda.connect();
  one.exec("BEGIN");
  const std::string pid = one.value(kPid);
  other.send(kPid);
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(one.value(kPid) == pid);
  CHECK(PQisBusy(other.raw()) == 1);
  one.exec("COMMIT");
  CHECK(other.finish() == Rows{{pid}});
}

TEST_CASE("a failed transaction keeps its server until it is rolled back") {
  Remuda remuda(single());
  Pq one = remuda.connect();
  Pq other = remuda.connect();
  one.exec("BEGIN");
  CHECK(pq_error([&] { one.exec("SELECT 1/0"); }).sqlstate == "22012");
  other.send("SELECT 7");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  CHECK(pq_error([&] { one.exec("SELECT 1"); }).sqlstate == "25P02");
  one.exec("ROLLBACK");
  CHECK(other.finish() == Rows{{"7"}});
}

TEST_CASE("several statements in one simple query") {
  Remuda remuda(single());
  Pq client = remuda.connect();
  client.send("SELECT 1; SELECT 2; SELECT 3");
  CHECK(client.all_results().size() == 3);
  CHECK(client.exec("BEGIN; SELECT 1; COMMIT; SELECT 4") == Rows{{"4"}});
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("tracked parameters follow the client, not the server") {
  Remuda remuda(single());
  Address address = remuda.address();
  address.options = "application_name=first";
  Pq first(address);
  address.options = "application_name=second";
  Pq second(address);
  CHECK(first.value("SHOW application_name") == "first");
  CHECK(second.value("SHOW application_name") == "second");
  first.exec("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'");
  CHECK(second.value("SHOW timezone") != "Asia/Tokyo");
  CHECK(first.value("SHOW timezone") == "Asia/Tokyo");
  CHECK(first.value("SHOW datestyle").find("German") == 0);
  CHECK(first.value("SHOW application_name") == "first");
  CHECK(first.value(kPid) == second.value(kPid));
}

TEST_CASE("a parameter value with quotes and backslashes arrives as it is") {
  Remuda remuda(single());
  Pq first = remuda.connect();
  Pq second = remuda.connect();
  const std::string odd = R"(it''s a "test" \ with \'' everything)";
  first.exec("SET application_name = '" + odd + "'");
  const std::string value = first.value("SHOW application_name");
  CHECK(second.value("SHOW application_name") != value);
  CHECK(first.value("SHOW application_name") == value);
}

TEST_CASE("a startup parameter the server refuses ends that client only") {
  Remuda remuda(single());
  Pq good = remuda.connect();
  CHECK(good.value("SELECT 1") == "1");
  Address address = remuda.address();
  address.options = "options='-c timezone=Moon/Crater'";
  const auto refused = pq_error([&] { Pq(address).value("SELECT 1"); });
  CHECK(refused.message == "invalid server parameter");
  CHECK(good.value("SELECT 2") == "2");
}

TEST_CASE("statement mode refuses a transaction block") {
  Remuda remuda(single("pool_mode = statement"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 1") == "1");
  const auto refused = pq_error([&] {
    client.exec("BEGIN");
    client.exec("SELECT 1");
  });
  CHECK(refused.message == "transaction blocks not allowed in statement pooling mode");
  CHECK(refused.sqlstate == "08P01");
  CHECK(client.wait_closed());
  CHECK(remuda.connect().value("SELECT 2") == "2");
}

TEST_CASE("pool_mode of a database wins over the global one") {
  Remuda remuda(ini_text("pool_mode = session",
                         "p0 = host=127.0.0.1 port={pg_port} pool_mode=statement\n"
                         "p1 = host=127.0.0.1 port={pg_port}\n"));
  Pq client = remuda.connect("p0");
  CHECK(pq_error([&] {
          client.exec("BEGIN");
          client.exec("SELECT 1");
        }).message == "transaction blocks not allowed in statement pooling mode");
  Pq other = remuda.connect("p1");
  other.exec("BEGIN");
  CHECK(other.value("SELECT 1") == "1");
}

TEST_CASE("session mode keeps the server, and with it temporary tables and settings") {
  Remuda remuda(single("pool_mode = session"));
  Pq one = remuda.connect();
  Pq other = remuda.connect();
  one.exec("CREATE TEMP TABLE mine (x int); SET work_mem = '3MB'");
  other.send("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  one.exec("INSERT INTO mine VALUES (5)");
  CHECK(one.value("SELECT x FROM mine") == "5");
  CHECK(one.value("SHOW work_mem") == "3MB");
  CHECK(PQisBusy(other.raw()) == 1);
  one.close();
  CHECK(other.finish() == Rows{{"1"}});
}

TEST_CASE("server_reset_query cleans a server between sessions") {
  Remuda remuda(single("pool_mode = session"));
  Pq one = remuda.connect();
  one.exec("SET work_mem = '3MB'; CREATE TEMP TABLE mine (x int); PREPARE p AS SELECT 1");
  const std::string pid = one.value(kPid);
  one.close();
  Pq other = remuda.connect();
  CHECK(other.value(kPid) == pid);
  CHECK(other.value("SHOW work_mem") != "3MB");
  CHECK(pq_error([&] { other.exec("SELECT * FROM mine"); }).sqlstate == "42P01");
  CHECK(pq_error([&] { other.exec("EXECUTE p"); }).sqlstate == "26000");
}

TEST_CASE("server_reset_query is not run in transaction mode unless always") {
  const bool always = GENERATE(false, true);
  Remuda remuda(single("track_session_settings = reported\n" +
                       std::string(always ? "server_reset_query_always = 1" : "")));
  Pq client = remuda.connect();
  client.exec("SET work_mem = '3MB'");
  CHECK((client.value("SHOW work_mem") == "3MB") == !always);
}

TEST_CASE("a reset query that fails costs the server") {
  Remuda remuda(single("pool_mode = session\nserver_reset_query = SELECT broken"));
  Pq one = remuda.connect();
  const std::string pid = one.value(kPid);
  one.close();
  CHECK(remuda.connect().value(kPid) != pid);
  CHECK(remuda.wait_log("reset query failed"));
}

TEST_CASE("server_check_query tests a server before its next use, a failing one is replaced") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    while (true) {
      const std::string sql = peer.expect_query();
      peer.note(sql + " on " + std::to_string(peer.number()));
      if (sql == "check" && peer.number() == 0)
        peer.send(error_response("57P05", "out of order") + ready());
      else
        peer.send(one_value(std::to_string(peer.number())) + ready());
    }
  });
  Remuda remuda(ini_text("server_check_query = check\nserver_check_delay = 0",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  Pq client = remuda.connect();
  CHECK(eventually([&] { return client.value("SELECT 1") == "1"; }));
  CHECK(server.wait_note("check on 0"));
  CHECK(eventually([&] { return server.open() == 1; }));
}

TEST_CASE("a client that leaves in a transaction is rolled back and holds nothing") {
  postgres().exec("DROP TABLE IF EXISTS left_behind; CREATE TABLE left_behind (x int)");
  Remuda remuda(single());
  Pq one = remuda.connect();
  one.exec("BEGIN; LOCK TABLE left_behind; INSERT INTO left_behind VALUES (1)");
  one.close();
  Pq other = remuda.connect();
  CHECK(other.value("SELECT count(*) FROM left_behind") == "0");
  CHECK(postgres().wait_backends("p0", 1));
}

TEST_CASE("a client that leaves while its query runs takes the server with it") {
  Remuda remuda(single());
  RawClient one(remuda.port(), "postgres", "p0");
  one.send(query("SELECT pg_sleep(600)"));
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  one.close();
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("a server that dies with a client on it") {
  Remuda remuda(single());
  Pq client = remuda.connect();
  client.exec("BEGIN");
  const std::string pid = client.value(kPid);
  postgres().exec("SELECT pg_terminate_backend(" + pid + ")", "postgres");
  const auto error = pq_error([&] { client.exec("SELECT 1"); });
  // The server's own last words where it got to say them.
  CHECK((error.sqlstate == "57P01" || error.message == "server conn crashed?"));
  CHECK(client.wait_closed());
  CHECK(remuda.connect().value("SELECT 2") == "2");
}

}  // namespace remuda::test::transaction_test
