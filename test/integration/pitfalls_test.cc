// What broke in other poolers, each case by its number; more of them stand in the files of their
// features under the same kind of name.
#include <atomic>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::pitfalls_test {
namespace {

std::string single(const std::string& settings = "") {
  return ini_text("default_pool_size = 1\n" + settings);
}

std::string single_for(const FakeServer& server, const std::string& settings = "") {
  return ini_text("default_pool_size = 1\nserver_login_retry = 0.1\n" + settings,
                  "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n");
}

bool waiting(const Remuda& remuda) {
  return remuda.wait_pool("p0", "cl_waiting", 1);
}

}  // namespace

TEST_CASE("C1.1 a client that leaves with a request half sent takes the server with it") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    peer.serve(
        [&](const std::string& sql) { return sql + " on " + std::to_string(peer.number()); });
  });
  Remuda remuda(single_for(server));
  RawClient leaver(remuda.port(), "postgres", "p0");
  // A message longer than any buffer has begun: its first part must have reached the server.
  const std::string large = query("SELECT '" + std::string(1000000, 'x') + "'");
  leaver.send(large.substr(0, 500000));
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  leaver.close();
  CHECK(remuda.connect().value("next") == "next on 1");
}

TEST_CASE("C1.1 a client that leaves with a batch unfinished takes the server with it") {
  Remuda remuda(single());
  RawClient leaver(remuda.port(), "postgres", "p0");
  leaver.send(parse("", "SELECT 'stolen'") + bind("", "") + execute("") + flush_message());
  leaver.read_until('C');
  leaver.close();
  Pq next = remuda.connect();
  for (int i = 0; i < 10; ++i)
    CHECK(next.value("SELECT " + std::to_string(i)) == std::to_string(i));
  CHECK(postgres().wait_backends("p0", 1));
}

TEST_CASE("C1.1 a client that leaves with answers unread takes the server with it") {
  Remuda remuda(single());
  RawClient leaver(remuda.port(), "postgres", "p0");
  leaver.send(query("SELECT 'mine' FROM generate_series(1, 1000000)"));
  leaver.expect('T');
  leaver.close();
  CHECK(remuda.connect().value("SELECT 'yours'") == "yours");
}

TEST_CASE("C1.2 ReadyForQuery only after the server's own") {
  std::atomic<bool> allowed{false};
  FakeServer server([&](FakePeer& peer) {
    peer.login();
    for (const char type : {'P', 'D', 'H', 'B', 'E', 'H'}) peer.expect(type);
    peer.send(packet('1') + packet('t', be16(0)) + packet('n') + packet('2') +
              command_complete("SELECT 0"));
    peer.expect('S');
    peer.note("sync");
    eventually([&] { return allowed.load(); });
    peer.send(ready());
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(single_for(server));
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  client.send(parse("", "x") + describe('S', "") + flush_message() + bind("", "") + execute("") +
              flush_message());
  CHECK(types_of(client.read_until('C')) == "1tn2C");
  client.send(sync_message());
  REQUIRE(server.wait_note("sync"));
  other.send(query("other"));
  REQUIRE(waiting(remuda));
  CHECK(client.silent(milliseconds(200)));
  allowed = true;
  CHECK(client.expect('Z').body == "I");
  CHECK(first_value(other.read_until('Z').at(1)) == "other");
}

TEST_CASE("C1.2 a server is not released at the first ReadyForQuery of several") {
  std::atomic<bool> allowed{false};
  FakeServer server([&](FakePeer& peer) {
    peer.login();
    peer.expect_query();
    peer.expect_query();
    peer.send(one_value("first") + ready());
    eventually([&] { return allowed.load(); });
    peer.send(one_value("second") + ready());
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(single_for(server));
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  client.send(query("first") + query("second"));
  CHECK(first_value(client.read_until('Z').at(1)) == "first");
  other.send(query("other"));
  REQUIRE(waiting(remuda));
  CHECK(other.silent(milliseconds(200)));
  allowed = true;
  CHECK(first_value(client.read_until('Z').at(1)) == "second");
  CHECK(first_value(other.read_until('Z').at(1)) == "other");
}

TEST_CASE("C1.2 more ReadyForQuery than were asked for: the server is not used again") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    if (peer.number() == 0) {
      peer.expect_query();
      peer.send(one_value("once") + ready() + ready() + ready());
      peer.read();
    }
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(single_for(server));
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("once"));
  try {
    // Either the client is told, or only sees the one answer it asked for.
    client.read_until('Z');
  } catch (const PeerClosed&) {
  }
  CHECK(remuda.connect().value("next") == "next");
  CHECK(server.connections() == 2);
}

TEST_CASE("C1.3 an error in a pipeline: the rest up to Sync is skipped, order is kept") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("SELECT 1") + parse("", "nonsense") + bind("", "") + describe('P', "") +
              execute("") + close_of('S', "") + sync_message() + extended("SELECT 2") +
              sync_message() + query("SELECT 3"));
  CHECK(types_of(client.read_until('Z')) == "12DCEZ");
  CHECK(types_of(client.read_until('Z')) == "12DCZ");
  const auto last = client.read_until('Z');
  CHECK(types_of(last) == "TDCZ");
  CHECK(first_value(last[1]) == "3");
}

TEST_CASE("C1.3 a Sync that comes late after an error still gets its own answer") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  client.send(parse("", "nonsense") + flush_message());
  client.expect('E');
  other.send(query("SELECT 2"));
  REQUIRE(waiting(remuda));
  client.send(bind("", "") + execute("") + flush_message());
  CHECK(client.silent(milliseconds(100)));
  client.send(sync_message());
  CHECK(client.expect('Z').body == "I");
  CHECK(first_value(other.read_until('Z').at(1)) == "2");
  CHECK(client.value("SELECT 3") == "3");
}

TEST_CASE("C1.5 a simple query behind a failed extended one, without Sync") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  client.send(parse("", "nonsense") + query("SELECT 'skipped'"));
  // At once, with no Flush and no Sync sent.
  CHECK(notice_fields(client.expect('E'))['C'] == "42601");
  other.send(query("SELECT 2"));
  REQUIRE(waiting(remuda));
  client.send(sync_message());
  CHECK(client.expect('Z').body == "I");
  CHECK(first_value(other.read_until('Z').at(1)) == "2");
  CHECK(client.value("SELECT 3") == "3");
}

TEST_CASE("C1.5 a simple query inside an extended batch that goes well") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("SELECT 1") + query("SELECT 2") + extended("SELECT 3") + sync_message());
  CHECK(types_of(client.read_until('Z')) == "12DCTDCZ");
  CHECK(types_of(client.read_until('Z')) == "12DCZ");
  CHECK(client.value("SELECT 4") == "4");
}

TEST_CASE("C1.6 a batch that has to wait for a server is answered whole, and not before") {
  Remuda remuda(single());
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(parse("", "SELECT 1"));
  REQUIRE(waiting(remuda));
  client.send(bind("", "") + execute("") + sync_message());
  CHECK(client.silent(milliseconds(100)));
  holder.exec("COMMIT");
  CHECK(types_of(client.read_until('Z')) == "12DCZ");
}

TEST_CASE("C1.6 a batch whose wait ends in a timeout leaves nothing behind") {
  Remuda remuda(single("query_wait_timeout = 0.3"));
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("SELECT 'late'") + sync_message());
  const auto messages = client.read_to_end();
  REQUIRE(types_of(messages) == "E");
  CHECK(notice_fields(messages[0])['M'] == "query_wait_timeout");
  holder.exec("COMMIT");
  CHECK(remuda.connect().value("SELECT 'next'") == "next");
}

TEST_CASE("C1.9 a server that died while idle is not given out") {
  Remuda remuda(single());
  Pq client = remuda.connect();
  for (int i = 0; i < 5; ++i) {
    const std::string pid = client.value("SELECT pg_backend_pid()");
    postgres().exec("SELECT pg_terminate_backend(" + pid + ", 10000)", "postgres");
    REQUIRE(remuda.wait_pool("p0", "sv_idle", 0));
    CHECK(client.value("SELECT 1") == "1");
  }
}

TEST_CASE("C1.9 a server that speaks while idle is not used again") {
  const std::string said =
      GENERATE(error_response("57P01", "going down"), packet('S', cstr("TimeZone") + cstr("Mars")),
               ready(), data_row({"forged"}), std::string("Z"));
  INFO("it says " << said);
  std::atomic<bool> speak{false};
  FakeServer server([&](FakePeer& peer) {
    peer.login();
    if (peer.number() == 0) {
      peer.expect_query();
      peer.send(one_value("good") + ready());
      eventually([&] { return speak.load(); });
      peer.send(said);
    }
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(single_for(server));
  RawClient client(remuda.port(), "postgres", "p0");
  CHECK(client.value("good") == "good");
  speak = true;
  REQUIRE(eventually([&] { return server.open() == 0; }));
  const auto answer = client.ask("next");
  CHECK(types_of(answer) == "TDCZ");
  CHECK(first_value(answer[1]) == "next");
}

TEST_CASE("C1.10 a server only ever sees whole messages, whatever clients do to us") {
  std::atomic<int> broken{0};
  FakeServer server([&](FakePeer& peer) {
    peer.login();
    while (true) {
      const Message message = peer.read();
      if (message.type == 'X') return;
      if (message.type != 'Q' || message.body.back() != '\0') ++broken;
      peer.send(one_value(message.body.substr(0, message.body.size() - 1)) + ready());
    }
  });
  Remuda remuda(single_for(server, "max_client_conn = 200"));
  const auto failures = failures_of(12, [&](int number) {
    for (int i = 0; i < 30; ++i) {
      RawClient client(remuda.port(), "postgres", "p0");
      const std::string mark = std::to_string(number * 100 + i);
      if (client.value(mark) != mark) throw std::runtime_error("someone else's answer");
      if (number % 3 == 0) client.send(packet('@', "nonsense"));
      if (number % 3 == 1) client.send(query(mark).substr(0, 7));
    }
  });
  CHECK(failures == std::vector<std::string>{});
  CHECK(broken == 0);
}

TEST_CASE("C1.11 a portal kept over Flush holds its server") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  client.send(parse("", "SELECT generate_series(1, 5)") + bind("cursor", "") +
              execute("cursor", 2) + flush_message());
  CHECK(types_of(client.read_until('s')) == "12DDs");
  other.send(query("SELECT 'other'"));
  REQUIRE(waiting(remuda));
  client.send(execute("cursor", 2) + flush_message());
  CHECK(types_of(client.read_until('s')) == "DDs");
  client.send(execute("cursor", 2) + sync_message());
  CHECK(types_of(client.read_until('Z')) == "DCZ");
  CHECK(first_value(other.read_until('Z').at(1)) == "other");
}

TEST_CASE("C1.11 closing a portal does not close the statement of the same name") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.ask("BEGIN");
  client.send(parse("same", "SELECT 'still here'") + bind("same", "same") + execute("same") +
              close_of('P', "same") + bind("", "same") + execute("") + sync_message());
  CHECK(types_of(client.read_until('Z')) == "12DC32DCZ");
  client.ask("ROLLBACK");
}

TEST_CASE("C3.24 CopyDone and CopyFail that arrive after the COPY has failed") {
  postgres().exec("DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (x int)");
  const std::string late =
      GENERATE(packet('c'), packet('f', cstr("too late")), packet('d', "7\n") + packet('c'));
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("COPY numbers FROM STDIN"));
  client.expect('G');
  client.send(packet('d', "not a number\n"));
  client.send(packet('d', std::string(100000, '8') + "\n"));
  CHECK(types_of(client.read_until('Z')) == "EZ");
  // The server ignores what follows; a query behind it is an ordinary one.
  client.send(late + query("SELECT 'after'"));
  const auto messages = client.read_until('Z');
  CHECK(types_of(messages) == "TDCZ");
  CHECK(first_value(messages.at(1)) == "after");
  CHECK(remuda.connect().value("SELECT count(*) FROM numbers") == "0");
}

TEST_CASE("C3.24 a failed extended COPY waits for its Sync") {
  postgres().exec("DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (x int)");
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("COPY numbers FROM STDIN") + sync_message());
  CHECK(types_of(client.read_until('G')) == "12G");
  client.send(packet('d', "not a number\n") + packet('c') + sync_message());
  CHECK(types_of(client.read_until('Z')) == "EZ");
  CHECK(client.value("SELECT 'after'") == "after");
  CHECK(remuda.connect().value("SELECT 'other'") == "other");
}

TEST_CASE("C3.25 memory taken for large messages is given back") {
  Remuda remuda;
  remuda.connect().value("SELECT repeat('x', 1000000)");
  const long before = remuda.resident();
  for (int i = 0; i < 20; ++i) {
    Pq client = remuda.connect();
    const std::string big(2000000, 'y');
    CHECK(client.exec_params("SELECT length($1)", {big}).size() == 1);
    CHECK(client.value("SELECT repeat('z', 2000000)").size() == big.size());
  }
  if (remuda_sanitizers().empty()) CHECK(remuda.resident() - before < 4L * 1024);
  CHECK(before > 0);
}

TEST_CASE("C5.34 a server whose client left before it was lent is not stuck") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.hang();
    peer.send(packet('R', be32(0)));
    peer.greet();
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(single_for(server));
  {
    RawClient leaver(remuda.port());
    leaver.send(startup({{"user", "postgres"}, {"database", "p0"}}) + query("never"));
    REQUIRE(eventually([&] { return server.connections() == 1; }));
  }
  server.release();
  CHECK(remuda.connect().value("next") == "next");
  REQUIRE(remuda.wait_pool("p0", "sv_idle", 1));
  CHECK(remuda.pool("p0").at("sv_active") == "0");
}

TEST_CASE("C5.34 refused logins leave the counters as they were") {
  Remuda remuda(ini_text("auth_type = plain\nmax_client_conn = 5"));
  for (int i = 0; i < 30; ++i) {
    CHECK(eventually([&] {
      return remuda.refusal("p0", "plain_user", "wrong").message ==
             "password authentication failed";
    }));
  }
  CHECK(eventually([&] {
    return pq_error([&] {
             std::vector<Pq> clients;
             for (int i = 0; i < 5; ++i)
               clients.push_back(remuda.connect("p0", "plain_user", "plain-secret"));
           }).message == "no error";
  }));
}

TEST_CASE("C5.35 min_pool_size above max_db_connections does not open and close for ever") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    peer.serve([](const std::string& sql) { return sql; });
  });
  Remuda remuda(ini_text("min_pool_size = 3\nmax_db_connections = 4",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  Pq one = remuda.connect("p0", "postgres");
  Pq other = remuda.connect("p0", "trust_user");
  REQUIRE(eventually([&] { return server.open() == 4; }));
  const int opened = server.connections();
  // Some rounds of maintenance pass while both pools work.
  for (int round = 0; round < 300; ++round) {
    CHECK(one.value("1") == "1");
    CHECK(other.value("2") == "2");
    CHECK(one.value("3") == "3");
  }
  CHECK(server.connections() - opened <= 2);
  CHECK(server.open() <= 4);
}

TEST_CASE("C5.38 RELOAD while clients connect") {
  Remuda remuda(ini_text("max_client_conn = 200"));
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    for (int i = 0; i < 30; ++i) {
      remuda.write_ini(
          ini_text("max_client_conn = 200\ndefault_pool_size = " + std::to_string(5 + i)));
      remuda.reload();
    }
    done = true;
  });
  const auto failures = failures_of(8, [&](int number) {
    while (!done) remuda.connect(number % 2 ? "p0" : "p1").exec("SELECT 1");
  });
  reloader.join();
  CHECK(failures == std::vector<std::string>{});
}

}  // namespace remuda::test::pitfalls_test
