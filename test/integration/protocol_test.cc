// Versions of the protocol, towards clients and servers; cancel keys of protocol 3.2 above all.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::protocol_test {
namespace {

constexpr uint32_t kV32 = 0x00030002;
constexpr size_t kPid = 4;

struct Greeting {
  std::string negotiation;  // body of NegotiateProtocolVersion; empty: none came
  std::string key;          // of BackendKeyData
};

Greeting log_in(RawClient& client, uint32_t version, const std::string& database = "p0",
                Parameters extra = {}) {
  extra.insert(extra.begin(), {{"user", "postgres"}, {"database", database}});
  client.send(startup(extra, version));
  Greeting greeting;
  int negotiations = 0;
  for (const Message& message : client.read_until('Z')) {
    if (message.type == 'K') greeting.key = message.body;
    if (message.type != 'v') continue;
    greeting.negotiation = message.body;
    ++negotiations;
  }
  CHECK(negotiations == (greeting.negotiation.empty() ? 0 : 1));
  return greeting;
}

void send_cancel(int port, const std::string& key) {
  RawClient request(port);
  request.send(cancel_request(key));
  CHECK(request.read_to_end().empty());
}

bool sleeping() {
  return postgres().value(
             "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query "
             "LIKE 'SELECT pg_sleep%'") == "1";
}

}  // namespace

TEST_CASE("a client of protocol 3.2 gets a long cancel key, of which nothing less will do") {
  Remuda remuda;
  RawClient client(remuda.port());
  const Greeting greeting = log_in(client, kV32);
  CHECK(greeting.negotiation.empty());
  REQUIRE(greeting.key.size() == kPid + 16);
  client.send(query("SELECT pg_sleep(600)"));
  REQUIRE(eventually(sleeping));
  std::string wrong = greeting.key;
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  for (const std::string& key : {greeting.key.substr(0, kPid + 4), wrong}) {
    send_cancel(remuda.port(), key);
    CHECK(sleeping());
  }
  send_cancel(remuda.port(), greeting.key);
  const auto messages = client.read_until('Z');
  REQUIRE(messages.size() >= 2);
  CHECK(notice_fields(messages[messages.size() - 2])['C'] == "57014");
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("other versions and unknown options are negotiated, once") {
  Remuda remuda;
  struct Case {
    uint32_t asked;
    Parameters options;
    std::string answer;
  };
  const Case cases[] = {
      {0x00030000, {}, ""},
      {0x00030001, {}, be32(0x00030000) + be32(0)},
      {0x00030003, {}, be32(kV32) + be32(0)},
      {0x0003270f, {{"_pq_.a", ""}}, be32(kV32) + be32(1) + cstr("_pq_.a")},
      {kV32,
       {{"_pq_.a", "1"}, {"_pq_.b", "2"}},
       be32(kV32) + be32(2) + cstr("_pq_.a") + cstr("_pq_.b")},
      {0x00030000, {{"_pq_.a", "1"}}, be32(0x00030000) + be32(1) + cstr("_pq_.a")}};
  for (const Case& one : cases) {
    INFO(one.asked);
    RawClient client(remuda.port());
    const Greeting greeting = log_in(client, one.asked, "p0", one.options);
    CHECK(greeting.negotiation == one.answer);
    CHECK(greeting.key.size() == kPid + (one.asked >= kV32 ? 16 : 4));
    CHECK(client.value("SELECT 1") == "1");
  }
}

TEST_CASE("the console speaks protocol 3.2 as well") {
  Remuda remuda;
  RawClient client(remuda.port());
  CHECK(log_in(client, kV32, "pgbouncer").key.size() == kPid + 16);
  CHECK(client.value("SHOW VERSION").find("PgBouncer") == 0);
}

TEST_CASE("among peers keys stay short, as every peer must understand them") {
  Remuda remuda(ini_text("peer_id = 3"));
  RawClient client(remuda.port());
  CHECK(log_in(client, kV32).key.size() == kPid + 4);
}

TEST_CASE("with server_long_cancel_keys a server is asked for 3.2, and its key used whole") {
  const std::string key = be32(77) + std::string(255, 'k') + "!";
  FakeServer server([&](FakePeer& peer) {
    const Message first = peer.read_untyped();
    if (first.body.substr(0, 4) == std::string("\x04\xd2\x16\x2e", 4)) {
      peer.note(first.body.substr(4) == key ? "the whole key" : "another key");
      throw WasCancel();
    }
    peer.note(first.body.substr(0, 4) == be32(kV32) ? "3.2" : "another version");
    peer.send(packet('R', be32(0)) + packet('K', key) + ready());
    peer.expect_query();
    peer.note("asked");
    peer.hang();
    peer.send(error_response("57014", "cancelled") + ready());
    peer.hang();
  });
  Remuda remuda(ini_text("server_long_cancel_keys = 1\nserver_tls_sslmode = disable",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT 1"));
  REQUIRE(server.wait_note("asked"));
  send_cancel(remuda.port(), client.key());
  CHECK(server.wait_note("the whole key"));
  CHECK(server.notes().front() == "3.2");
  server.release();
  CHECK(types_of(client.read_until('Z')) == "EZ");
}

TEST_CASE("a server that knows protocol 3.0 only is as good") {
  Remuda remuda(ini_text("server_long_cancel_keys = 1"));
  Pq client = remuda.connect();
  client.send("SELECT pg_sleep(600)");
  REQUIRE(eventually(sleeping));
  CHECK(client.cancel());
  CHECK(pq_error([&] { client.finish(); }).sqlstate == "57014");
}

}  // namespace remuda::test::protocol_test
