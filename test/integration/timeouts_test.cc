// How long clients may take, and what becomes of pools that nobody uses.
#include <algorithm>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::timeouts_test {
namespace {

constexpr const char* kPid = "SELECT pg_backend_pid()";

std::string user_settings(const std::string& user, const std::string& settings) {
  return "\n[users]\n" + user + " = " + settings + "\n";
}

// The client's next statement meets a connection closed for this reason.
void check_ended(Pq& client, const std::string& text) {
  const auto error = pq_error([&] { client.finish(); });
  CHECK(error.message == text);
  CHECK(error.sqlstate == "08P01");
  CHECK(client.wait_closed());
}

// What a silent client is told when it is closed.
std::string last_words(RawClient& client) {
  for (const auto& message : client.read_to_end()) {
    if (message.type == 'E') return notice_fields(message)['M'];
  }
  return "nothing";
}

bool has_pool(const Remuda& remuda, const std::string& dbname) {
  return !remuda.pool(dbname).empty();
}

}  // namespace

TEST_CASE("query_timeout ends the client, and its query on the server") {
  Remuda remuda(ini_text("default_pool_size = 1\nquery_timeout = 0.5"));
  Pq client = remuda.connect();
  client.send("SELECT pg_sleep(600)");
  check_ended(client, "query timeout");
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(eventually([] {
    return postgres().value(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
               "'SELECT pg_sleep(600)' AND state = 'active'") == "0";
  }));
}

TEST_CASE("C5.36 query_timeout counts neither idle time in a transaction nor earlier queries") {
  Remuda remuda(ini_text("default_pool_size = 1\nquery_timeout = 1"));
  Pq client = remuda.connect();
  client.exec("BEGIN");
  for (int i = 0; i < 3; ++i) client.exec("SELECT pg_sleep(0.5)");
  client.exec("COMMIT");
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("query_timeout also ends who waits for a server") {
  Remuda remuda(ini_text("default_pool_size = 1\nquery_timeout = 0.5"));
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  Pq waits = remuda.connect();
  waits.send("SELECT 1");
  check_ended(waits, "query_timeout");
  CHECK(holder.value("SELECT 2") == "2");
}

TEST_CASE("query_timeout also ends a login that waits for the first server") {
  FakeServer silent([](FakePeer& peer) {
    peer.accept_startup();
    peer.hang();
  });
  Remuda remuda(ini_text("query_timeout = 0.5",
                         "p0 = host=127.0.0.1 port=" + std::to_string(silent.port()) + "\n"));
  CHECK(remuda.refusal("p0").message == "query_timeout");
}

TEST_CASE("a user's query_timeout wins, by the name that logged in") {
  Remuda remuda(
      ini_text("query_timeout = 600", "p0 = host=127.0.0.1 port={pg_port} user=postgres\n") +
      user_settings("trust_user", "query_timeout=1"));
  Pq strict = remuda.connect("p0", "trust_user");
  Pq lax = remuda.connect("p0", "postgres");
  lax.send("SELECT pg_sleep(2)");
  strict.send("SELECT pg_sleep(600)");
  check_ended(strict, "query timeout");
  lax.finish();
}

TEST_CASE("idle_transaction_timeout ends the client and keeps its server") {
  Remuda remuda(ini_text("default_pool_size = 1\nidle_transaction_timeout = 0.5"));
  RawClient client(remuda.port(), "postgres", "p0");
  const std::string pid = client.value(kPid);
  client.ask("BEGIN");
  CHECK(last_words(client) == "idle transaction timeout");
  Pq next = remuda.connect();
  CHECK(next.value(kPid) == pid);
  CHECK(next.value("SELECT pg_current_xact_id_if_assigned() IS NULL") == "t");
}

TEST_CASE("C5.36 a long query is not idle time, nor is what came before the last answer") {
  Remuda remuda(ini_text("idle_transaction_timeout = 1"));
  Pq client = remuda.connect();
  client.exec("BEGIN");
  client.exec("SELECT pg_sleep(2)");
  CHECK(client.value("SELECT 1") == "1");
  client.exec("COMMIT");
}

TEST_CASE("transaction_timeout ends a transaction, busy or idle, and no other") {
  Remuda remuda(ini_text("transaction_timeout = 600") +
                user_settings("postgres", "transaction_timeout=1"));
  Pq other = remuda.connect("p0", "trust_user");
  other.exec("BEGIN");
  RawClient idle(remuda.port(), "postgres", "p0");
  idle.ask("BEGIN");
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  busy.send("SELECT pg_sleep(600)");
  CHECK(last_words(idle) == "transaction timeout");
  check_ended(busy, "transaction timeout");
  CHECK(other.value("SELECT 1") == "1");
}

TEST_CASE("client_idle_timeout ends clients without a server, and those only") {
  Remuda remuda(ini_text("client_idle_timeout = 1"));
  RawClient idle(remuda.port(), "postgres", "p0");
  idle.ask("SELECT 1");
  Pq inside = remuda.connect();
  inside.exec("BEGIN");
  CHECK(last_words(idle) == "client_idle_timeout");
  CHECK(inside.value("SELECT 2") == "2");
}

TEST_CASE("one user's client_idle_timeout leaves others alone where there is no global one") {
  Remuda remuda(ini_text("", "p0 = host=127.0.0.1 port={pg_port} user=postgres\n") +
                user_settings("trust_user", "client_idle_timeout=1"));
  Pq other = remuda.connect("p0", "postgres");
  CHECK(other.value("SELECT 1") == "1");
  RawClient strict(remuda.port(), "trust_user", "p0");
  CHECK(last_words(strict) == "client_idle_timeout");
  CHECK(other.value("SELECT 2") == "2");
}

TEST_CASE("a user's query_wait_timeout holds although there is no global timeout") {
  Remuda remuda(ini_text("default_pool_size = 1\nquery_wait_timeout = 0") +
                user_settings("postgres", "query_wait_timeout=1"));
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  Pq waits = remuda.connect();
  waits.send("SELECT 1");
  check_ended(waits, "query_wait_timeout");
}

TEST_CASE("SET of a timeout acts on clients that are connected already") {
  Remuda remuda;
  RawClient idle(remuda.port(), "postgres", "p0");
  remuda.console().exec("SET client_idle_timeout = 1");
  CHECK(last_words(idle) == "client_idle_timeout");
}

TEST_CASE("pool_idle_timeout forgets a pool, and the next client gets a new one") {
  Remuda remuda(ini_text("workers = 2\npool_idle_timeout = 0.5\nserver_idle_timeout = 0.3"));
  CHECK(remuda.connect().value("SELECT 1") == "1");
  REQUIRE(has_pool(remuda, "p0"));
  CHECK(eventually([&] { return !has_pool(remuda, "p0"); }));
  CHECK(remuda.wait_log("cleaning up idle pool"));
  CHECK(postgres().wait_backends("p0", 0));
  CHECK(remuda.connect().value("SELECT 2") == "2");
}

TEST_CASE("pool_idle_timeout spares pools with a client or a server, and standing ones") {
  Remuda remuda(ini_text("pool_idle_timeout = 0.2",
                         "p0 = host=127.0.0.1 port={pg_port}\n"
                         "p1 = host=127.0.0.1 port={pg_port}\n"
                         "p2 = host=127.0.0.1 port=1 user=postgres min_pool_size=1\n"
                         "p3 = host=127.0.0.1 port={pg_port}\n"));
  Pq stays = remuda.connect("p0");
  CHECK(remuda.connect("p1").value("SELECT 1") == "1");
  // Something to wait for: a pool without either.
  CHECK(remuda.connect("p3").value("SELECT 1") == "1");
  remuda.console().exec("KILL p3");
  CHECK(eventually([&] { return !has_pool(remuda, "p3"); }));
  CHECK(has_pool(remuda, "p0"));
  CHECK(has_pool(remuda, "p1"));
  CHECK(has_pool(remuda, "p2"));
  CHECK(stays.value("SELECT 2") == "2");
}

TEST_CASE("autodb_idle_timeout forgets a database made from *, others stay") {
  Remuda remuda(ini_text("autodb_idle_timeout = 0.5\nserver_idle_timeout = 0.3",
                         "p1 = host=127.0.0.1 port={pg_port}\n"
                         "* = host=127.0.0.1 port={pg_port}\n"));
  const auto known = [&](const std::string& name) {
    const auto all = remuda.show("DATABASES");
    return std::any_of(all.begin(), all.end(),
                       [&](const Record& row) { return row.at("name") == name; });
  };
  CHECK(remuda.connect("p0").value("SELECT 1") == "1");
  CHECK(remuda.connect("p1").value("SELECT 1") == "1");
  REQUIRE(known("p0"));
  CHECK(eventually([&] { return !has_pool(remuda, "p0") && !known("p0"); }));
  CHECK(known("p1"));
  CHECK(has_pool(remuda, "p1"));
  CHECK(remuda.connect("p0").value("SELECT 2") == "2");
}

TEST_CASE("cancel_wait_timeout ends a cancel request that no server takes") {
  FakeServer server([](FakePeer& peer) {
    try {
      peer.login();
    } catch (const WasCancel&) {
      peer.hang();
      throw;
    }
    peer.expect_query();
    peer.hang();
  });
  Remuda remuda(ini_text("cancel_wait_timeout = 0.3",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT pg_sleep(600)"));
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  RawClient request(remuda.port());
  request.send(cancel_request(client.key()));
  CHECK(request.read_to_end().empty());
  CHECK(remuda.wait_log("cancel_wait_timeout"));
}

TEST_CASE("server_fast_close ends sessions with an outdated server, between two transactions") {
  const bool is_fast = GENERATE(true, false);
  Remuda remuda(
      ini_text(std::string("pool_mode = session\nserver_fast_close = ") + (is_fast ? "1" : "0")));
  Pq idle = remuda.connect();
  Pq busy = remuda.connect();
  const std::string pid = idle.value(kPid);
  busy.exec("BEGIN");
  remuda.console().exec("RECONNECT");
  if (!is_fast) {
    CHECK(idle.value(kPid) == pid);
    return;
  }
  CHECK(remuda.wait_log("closing because: database configuration changed"));
  CHECK(idle.wait_closed());
  CHECK(busy.value("SELECT 1") == "1");
  busy.exec("COMMIT");
  CHECK(busy.wait_closed());
}

}  // namespace remuda::test::timeouts_test
