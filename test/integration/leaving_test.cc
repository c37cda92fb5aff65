// Clients that leave, or are told to, while something is open or waits: what becomes of their
// server.
#include <atomic>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::leaving_test {
namespace {

constexpr const char* kPid = "SELECT pg_backend_pid()";

std::string single(const std::string& settings = "") {
  return ini_text("default_pool_size = 1\n" + settings);
}

std::string sleepers() {
  return postgres().value(
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
      "'SELECT pg_sleep(600)%'");
}

// Leaves after `bytes`; whether the next client has the same server afterwards.
bool keeps_server(const Remuda& remuda, const std::string& bytes, char last_answer) {
  RawClient leaver(remuda.port(), "postgres", "p0");
  const std::string pid = leaver.value(kPid);
  leaver.send(bytes);
  if (last_answer != '\0') leaver.read_until(last_answer);
  leaver.close();
  Pq next = remuda.connect();
  const bool same = next.value(kPid) == pid;
  CHECK(next.value("SELECT pg_current_xact_id_if_assigned() IS NULL") == "t");
  return same;
}

// Sends a cancel request and waits until its connection ends.
void send_cancel(const Remuda& remuda, const RawClient& client) {
  RawClient request(remuda.port());
  request.send(cancel_request(client.key()));
  CHECK(request.read_to_end().empty());
}

// A client that holds the only server, and one that waits with `bytes` for it.
struct Queue {
  explicit Queue(const std::string& bytes) : waits(remuda.port(), "postgres", "p0") {
    holder.exec("BEGIN");
    waits.send(bytes);
    REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  }
  std::string code_of_answer() {
    const auto messages = waits.read_until('Z');
    CHECK(types_of(messages) == "EZ");
    CHECK(messages.back().body == "I");
    CHECK(notice_fields(messages[0])['S'] == "ERROR");
    CHECK(notice_fields(messages[0])['M'] == "canceling statement due to user request");
    return notice_fields(messages[0])['C'];
  }
  Remuda remuda{single()};
  Pq holder = remuda.connect();
  RawClient waits;
};

}  // namespace

TEST_CASE("a client that leaves idle in a transaction costs a ROLLBACK, not a server") {
  postgres().exec("DROP TABLE IF EXISTS left_open; CREATE TABLE left_open (x int)");
  Remuda remuda(single());
  CHECK(keeps_server(remuda, query("BEGIN; INSERT INTO left_open VALUES (1)"), 'Z'));
  CHECK(keeps_server(remuda, query("BEGIN; SELECT 1/0"), 'Z'));
  CHECK(postgres().value("SELECT count(*) FROM left_open") == "0");
}

TEST_CASE("who says goodbye in a transaction is rolled back likewise") {
  Remuda remuda(single());
  Pq leaver = remuda.connect();
  const std::string pid = leaver.value(kPid);
  leaver.exec("BEGIN; SELECT pg_advisory_xact_lock(7)");
  leaver.close();
  Pq next = remuda.connect();
  CHECK(next.value(kPid) == pid);
  CHECK(postgres().value("SELECT pg_try_advisory_lock(7)") == "t");
}

TEST_CASE("parameters set in what was rolled back do not stay") {
  Remuda remuda(single());
  CHECK(keeps_server(remuda, query("BEGIN; SET timezone = 'Asia/Tokyo'"), 'Z'));
  CHECK(remuda.connect().value("SHOW timezone") != "Asia/Tokyo");
}

TEST_CASE("in session mode the server is rolled back first and then reset") {
  Remuda remuda(single("pool_mode = session"));
  CHECK(keeps_server(remuda, query("SET work_mem = '77MB'; BEGIN; CREATE TEMP TABLE own (x int)"),
                     'Z'));
  CHECK(remuda.connect().value("SHOW work_mem") != "77MB");
}

TEST_CASE("a batch that was never ended is ended") {
  postgres().exec("DROP TABLE IF EXISTS half_done; CREATE TABLE half_done (x int)");
  Remuda remuda(single());
  const std::string insert = extended("INSERT INTO half_done VALUES (1)") + flush_message();
  CHECK(keeps_server(remuda, query("BEGIN") + insert, 'C'));
  CHECK(keeps_server(remuda, extended("SELECT 1/0") + flush_message(), 'E'));
}

TEST_CASE("a COPY that its client has left closes the server") {
  postgres().exec("DROP TABLE IF EXISTS copied; CREATE TABLE copied (x int)");
  Remuda remuda(single());
  CHECK_FALSE(keeps_server(remuda, query("COPY copied FROM STDIN"), 'G'));
  CHECK(postgres().value("SELECT count(*) FROM copied") == "0");
}

TEST_CASE("a ROLLBACK that is not answered as it should be closes the server") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    while (true) {
      const std::string sql = peer.expect_query();
      peer.note(sql);
      if (sql == "BEGIN") peer.send(command_complete("BEGIN") + ready('T'));
      if (sql == "ROLLBACK") peer.send(command_complete("ROLLBACK") + ready('T'));
      if (sql == "next") peer.send(one_value(std::to_string(peer.number())) + ready());
    }
  });
  Remuda remuda(single() +
                "\n[databases]\np0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n");
  RawClient leaver(remuda.port(), "postgres", "p0");
  leaver.ask("BEGIN");
  leaver.close();
  CHECK(server.wait_note("ROLLBACK"));
  CHECK(remuda.connect().value("next") == "1");
}

TEST_CASE("the query of a client that is lost is cancelled, and its locks go") {
  Remuda remuda(ini_text("default_pool_size = 2"));
  RawClient lost(remuda.port(), "postgres", "p0");
  lost.ask("BEGIN; SELECT pg_advisory_xact_lock(8)");
  lost.send(query("SELECT pg_sleep(600)"));
  REQUIRE(eventually([] { return sleepers() == "1"; }));
  lost.close();
  CHECK(eventually([] { return sleepers() == "0"; }));
  CHECK(eventually([] { return postgres().value("SELECT pg_try_advisory_lock(8)") == "t"; }));
  // It is free again, and so is its place.
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
  CHECK(postgres().wait_backends("p0", 1));
}

TEST_CASE("cancel_abandoned_queries = 0 leaves the query alone and closes its server") {
  Remuda remuda(single("cancel_abandoned_queries = 0"));
  RawClient lost(remuda.port(), "postgres", "p0");
  lost.send(query("SELECT pg_sleep(600)"));
  REQUIRE(eventually([] { return sleepers() == "1"; }));
  lost.close();
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(sleepers() == "1");
  postgres().exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'",
      "postgres");
}

TEST_CASE("a client that says goodbye behind its query has it done") {
  postgres().exec("DROP TABLE IF EXISTS fire_and_forget; CREATE TABLE fire_and_forget (x int)");
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("INSERT INTO fire_and_forget SELECT 1 FROM pg_sleep(0.3)") + packet('X'));
  CHECK(eventually([] { return postgres().value("SELECT count(*) FROM fire_and_forget") == "1"; }));
}

TEST_CASE("a query that does not end when cancelled costs the server after cancel_wait_timeout") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    while (true) {
      const std::string sql = peer.expect_query();
      if (sql != "stuck") peer.send(one_value(std::to_string(peer.number())) + ready());
    }
  });
  Remuda remuda(ini_text("default_pool_size = 1\ncancel_wait_timeout = 0.5",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  RawClient lost(remuda.port(), "postgres", "p0");
  lost.send(query("stuck"));
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  lost.close();
  CHECK(remuda.connect().value("who") == "1");
  CHECK(server.cancels() >= 1);
}

TEST_CASE("a cancel request takes a queued query out of the queue") {
  Queue queue(query("SELECT 'never'"));
  send_cancel(queue.remuda, queue.waits);
  CHECK(queue.code_of_answer() == "57014");
  CHECK(queue.remuda.pool("p0").at("cl_waiting") == "0");
  CHECK(queue.holder.value("SELECT 1") == "1");
  queue.holder.exec("COMMIT");
  CHECK(queue.waits.value("SELECT 'later'") == "later");
}

TEST_CASE("a cancel request takes a queued batch out as a whole") {
  Queue queue(extended("SELECT 'never'") + sync_message());
  send_cancel(queue.remuda, queue.waits);
  CHECK(queue.code_of_answer() == "57014");
  queue.holder.exec("COMMIT");
  CHECK(queue.waits.value("SELECT 'later'") == "later");
}

TEST_CASE("of several queued requests a cancel takes the first, the others still run") {
  Queue queue(query("SELECT 'never'") + query("SELECT 'second'"));
  send_cancel(queue.remuda, queue.waits);
  CHECK(queue.code_of_answer() == "57014");
  REQUIRE(queue.remuda.wait_pool("p0", "cl_waiting", 1));
  queue.holder.exec("COMMIT");
  CHECK(first_value(queue.waits.read_until('Z')[1]) == "second");
}

TEST_CASE("a cancel request for a queued batch without its Sync has no effect") {
  Queue queue(extended("SELECT 'slow'"));
  send_cancel(queue.remuda, queue.waits);
  CHECK(queue.remuda.pool("p0").at("cl_waiting") == "1");
  queue.holder.exec("COMMIT");
  queue.waits.send(sync_message());
  CHECK(types_of(queue.waits.read_until('Z')) == "12DCZ");
}

TEST_CASE("C4.31 KILL and RESUME under full load lose no counter and no server") {
  Remuda remuda(ini_text("workers = 2\ndefault_pool_size = 4\nmax_client_conn = 200"));
  std::atomic<bool> over{false};
  std::atomic<int> done{0};
  std::thread killer([&] {
    for (int round = 0; round < 20; ++round) {
      const int before = done;
      Pq console = remuda.console();
      console.exec("KILL p0");
      console.exec("RESUME p0");
      eventually([&] { return done > before + 20; });
    }
    over = true;
  });
  // Their connections are cut again and again: that is no failure.
  const auto ask_until_cut = [&](int number) {
    RawClient client(remuda.port(), "postgres", "p0");
    for (int i = 0; i < 20; ++i, ++done) {
      client.ask(number % 3 == 0 ? "BEGIN; SELECT pg_sleep(0.001)" : "SELECT pg_sleep(0.001)");
      if (number % 2 == 0 && i == 10) return client.send(query("SELECT pg_sleep(600)"));
    }
  };
  const auto failures = failures_of(12, [&](int number) {
    while (!over) {
      try {
        ask_until_cut(number);
      } catch (const std::exception&) {
      }
    }
  });
  killer.join();
  CHECK(failures == std::vector<std::string>{});
  const auto is_empty = [&] {
    const Record pool = remuda.pool("p0");
    if (pool.empty()) return true;
    return pool.at("cl_active") == "0" && pool.at("cl_waiting") == "0" &&
           pool.at("sv_active") == "0" && pool.at("sv_tested") == "0";
  };
  CHECK(eventually(is_empty));
  CHECK(eventually([] { return sleepers() == "0"; }));
  for (const Record& row : remuda.show("DATABASES")) {
    if (row.at("name") == "p0") CHECK(row.at("current_client_connections") == "0");
  }
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(eventually([] { return postgres().backends("p0") <= 4; }));
}

}  // namespace remuda::test::leaving_test
