// Cancel requests: they reach the query they mean, or nothing.
#include <atomic>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::cancel_test {
namespace {

std::string single() {
  return ini_text("default_pool_size = 1");
}

// Sends a cancel request and waits until its connection ends; what came back.
std::string send_cancel(int port, const std::string& key) {
  RawClient request(port);
  request.send(cancel_request(key));
  std::string answer;
  for (const auto& message : request.read_to_end()) answer += message.type;
  return answer;
}

bool sleeping() {
  return postgres().value(
             "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query "
             "LIKE 'SELECT pg_sleep%'") == "1";
}

}  // namespace

TEST_CASE("a running query is cancelled and the client goes on") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT pg_sleep(600)"));
  REQUIRE(eventually(sleeping));
  CHECK(send_cancel(remuda.port(), client.key()) == "");
  const auto messages = client.read_until('Z');
  REQUIRE(messages.size() >= 2);
  CHECK(notice_fields(messages[messages.size() - 2])['C'] == "57014");
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("a query in a transaction is cancelled on the server that runs it") {
  Remuda remuda(ini_text("default_pool_size = 4"));
  Pq other = remuda.connect();
  other.exec("BEGIN");
  Pq client = remuda.connect();
  client.exec("BEGIN");
  client.send("SELECT pg_sleep(600)");
  REQUIRE(eventually(sleeping));
  CHECK(client.cancel());
  CHECK(pq_error([&] { client.finish(); }).sqlstate == "57014");
  client.exec("ROLLBACK");
  CHECK(other.value("SELECT 1") == "1");
}

TEST_CASE("C1.7 a cancel for an idle client does nothing, not even to the server's next client") {
  Remuda remuda(single());
  RawClient idle(remuda.port(), "postgres", "p0");
  idle.ask("SELECT 1");
  RawClient busy(remuda.port(), "postgres", "p0");
  busy.send(query("SELECT pg_sleep(0.5)"));
  REQUIRE(eventually(sleeping));
  CHECK(send_cancel(remuda.port(), idle.key()) == "");
  CHECK(types_of(busy.read_until('Z')) == "TDCZ");
  CHECK(idle.value("SELECT 2") == "2");
}

TEST_CASE("C1.7 a cancel with a key nobody has is dropped without an answer") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT pg_sleep(0.3)"));
  REQUIRE(eventually(sleeping));
  std::string key = client.key();
  key[7] = static_cast<char>(key[7] ^ 1);
  CHECK(send_cancel(remuda.port(), key) == "");
  CHECK(send_cancel(remuda.port(), std::string(8, '\0')) == "");
  CHECK(send_cancel(remuda.port(), std::string(8, '\xff')) == "");
  CHECK(types_of(client.read_until('Z')) == "TDCZ");
}

TEST_CASE("a cancel request that is too short or too long is dropped") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  for (const size_t size : {0, 4, 7, 9, 64}) {
    INFO(size << " bytes of key");
    RawClient request(remuda.port());
    request.send(cancel_request(std::string(size, 'k')));
    CHECK(types_of(request.read_to_end()).find('Z') == std::string::npos);
  }
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("a queued client is not harmed by its own cancel") {
  Remuda remuda(single());
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  RawClient queued(remuda.port(), "postgres", "p0");
  queued.send(query("SELECT 5"));
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  send_cancel(remuda.port(), queued.key());
  CHECK(holder.value("SELECT 1") == "1");
  holder.exec("COMMIT");
  // Answered, or told that it was cancelled; never left without a word.
  CHECK(queued.read_until('Z').size() >= 2);
}

TEST_CASE("cancels work over a unix socket to the server as well") {
  Remuda remuda(ini_text("", "p0 = host={pg_dir} port={pg_port}\n"));
  Pq client = remuda.connect();
  client.send("SELECT pg_sleep(600)");
  REQUIRE(eventually(sleeping));
  CHECK(client.cancel());
  CHECK(pq_error([&] { client.finish(); }).sqlstate == "57014");
}

TEST_CASE("C1.7 a storm of cancels hits only those who asked for it") {
  Remuda remuda(ini_text("default_pool_size = 3\nmax_client_conn = 500"));
  std::atomic<bool> done{false};
  const auto failures = failures_of(8, [&](int number) {
    if (number < 4) {  // never cancelled: any error is someone else's cancel
      Pq innocent = remuda.connect();
      for (int i = 0; i < 400; ++i) innocent.exec("SELECT 1");
      if (number == 0) done = true;
      return;
    }
    RawClient guilty(remuda.port(), "postgres", "p0");
    while (!done) {
      guilty.send(query("SELECT 1"));
      send_cancel(remuda.port(), guilty.key());
      guilty.read_until('Z');
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("C1.7 a server is not lent while a cancel for it is on its way") {
  FakeServer server(slow_cancel());
  Remuda remuda(ini_text("default_pool_size = 1",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  RawClient one(remuda.port(), "postgres", "p0");
  one.send(query("first"));
  REQUIRE(server.wait_note("first"));
  RawClient request(remuda.port());
  request.send(cancel_request(one.key()));
  one.read_until('Z');

  RawClient other(remuda.port(), "postgres", "p0");
  other.send(query("second"));
  CHECK(other.silent(milliseconds(300)));
  server.release();
  CHECK(first_value(other.read_until('Z').at(1)) == "second");
}

}  // namespace remuda::test::cancel_test
