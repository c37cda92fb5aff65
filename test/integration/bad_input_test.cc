// Peers that break the protocol: they get a clear end, and nobody else notices.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::bad_input_test {
namespace {

// Text of the one error that ends the connection; empty when it just ends.
std::string last_words(RawClient& client) {
  std::string text;
  for (const auto& message : client.read_to_end()) {
    if (message.type == 'E') {
      auto fields = notice_fields(message);
      text = fields['S'] + " " + fields['C'] + " " + fields['M'];
    }
  }
  return text;
}

// What a client that has logged in is told when it sends these bytes.
std::string after_login(int port, const std::string& bytes) {
  RawClient client(port, "postgres", "p0");
  client.send(bytes);
  return last_words(client);
}

std::string ini_for(const FakeServer& server, const std::string& settings = "") {
  return ini_text(
      "client_login_timeout = 5\ndefault_pool_size = 1\nserver_login_retry = 0.1\n" + settings,
      "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) +
          "\np1 = host=127.0.0.1 port={pg_port}\n");
}

// A server whose first connection answers the first query with `lie` and goes silent; later
// connections behave.
FakeServer::Script lying(const std::string& lie) {
  return [lie](FakePeer& peer) {
    peer.login();
    if (peer.number() == 0) {
      peer.expect_query();
      peer.send(lie);
      peer.read();  // until the pooler closes
    }
    peer.serve([](const std::string&) { return "fine"; });
  };
}

constexpr uint32_t kV3 = 0x00030000;

}  // namespace

TEST_CASE("malformed startup packets") {
  struct Case {
    const char* what;
    std::string bytes;
    std::string told;
  };
  const std::string user = cstr("user") + cstr("postgres");
  const std::vector<Case> cases = {
      {"old protocol", untyped(be32(0x00020000) + std::string(292, '\0')),
       "FATAL 08P01 old V2 protocol not supported"},
      {"no user", startup({{"database", "p0"}}), "FATAL 08P01 no username supplied"},
      {"long user", startup({{"user", std::string(128, 'u')}}), "FATAL 08P01 username too long"},
      {"no terminator", untyped(be32(kV3) + user),
       "FATAL 08P01 invalid startup packet layout: expected terminator as last byte"},
      {"unknown parameter", startup({{"user", "postgres"}, {"database", "p0"}, {"fnord", "1"}}),
       "FATAL 08P01 unsupported startup parameter: fnord"},
      {"unknown option", startup({{"user", "postgres"}, {"options", "-c fnord=1"}}),
       "FATAL 08P01 unsupported startup parameter in options: fnord"},
      {"odd option", startup({{"user", "postgres"}, {"options", "-x"}}),
       "FATAL 08P01 unsupported options startup parameter: only '-c config=val' and "
       "'--config=val' are allowed"},
  };
  Remuda remuda;
  Pq bystander = remuda.connect();
  for (const auto& [what, bytes, told] : cases) {
    INFO(what);
    RawClient client(remuda.port());
    client.send(bytes);
    CHECK(last_words(client) == told);
    CHECK(bystander.value("SELECT 1") == "1");
  }
}

TEST_CASE("bytes behind an SSL request are not taken for what follows it") {
  Remuda remuda;
  RawClient client(remuda.port());
  client.send(untyped(be32(80877103)) + startup({{"user", "postgres"}, {"database", "p0"}}));
  const std::string answer = client.read_rest();
  CHECK(answer.find("received unencrypted data after SSL request") != std::string::npos);
}

TEST_CASE("first bytes that are no startup packet at all") {
  const std::vector<std::string> inputs = {
      be32(0),
      be32(3),
      be32(4),
      be32(7),
      be32(0x7fffffff),
      be32(0xffffffff),
      be32(65537) + be32(kV3),
      untyped(be32(0)),
      untyped(be32(0x00040000)),
      untyped(be32(0xffffffff)),
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string(100, '\0'),
      std::string(100, '\xff'),
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + std::string(32, 'r'),
      query("SELECT 1"),
      packet('p', cstr("secret"))};
  Remuda remuda(ini_text("client_login_timeout = 2"));
  Pq bystander = remuda.connect();
  for (const auto& bytes : inputs) {
    RawClient client(remuda.port());
    client.send(bytes);
    for (const auto& message : client.read_to_end()) {
      REQUIRE(message.type == 'E');
      auto fields = notice_fields(message);
      CHECK(fields['S'] == "FATAL");
      CHECK(fields['C'] == "08P01");
    }
  }
  CHECK(bystander.value("SELECT 1") == "1");
}

TEST_CASE("messages after the login that no client may send") {
  Remuda remuda(ini_text("max_packet_size = 1000000"));
  Pq bystander = remuda.connect();
  for (const std::string& bytes :
       {packet('@', "what"), packet('Z', "I"), packet('R', be32(0)), packet('\0', "x"),
        std::string("Q") + be32(3), std::string("Q") + be32(0), std::string("Q") + be32(0xffffffff),
        std::string("Q") + be32(1000001), std::string("X") + be32(0x7fffffff),
        packet('p', cstr("again"))}) {
    const std::string told = after_login(remuda.port(), bytes);
    INFO(bytes << " -> " << told);
    CHECK(told.find("FATAL 08P01 ") == 0);
    CHECK(bystander.value("SELECT 1") == "1");
  }
  CHECK(remuda.wait_log("closing because: unknown pkt"));
}

TEST_CASE("a second startup packet after the login") {
  Remuda remuda;
  const std::string told =
      after_login(remuda.port(), startup({{"user", "postgres"}, {"database", "p0"}}));
  CHECK(told.find("FATAL 08P01 ") == 0);
}

TEST_CASE("broken extended messages reach a clear end") {
  Remuda remuda;
  Pq bystander = remuda.connect();
  for (const std::string& body :
       {std::string(), std::string("no terminator"), std::string(1, 'x')}) {
    for (const char type : {'P', 'B', 'D', 'C', 'E'}) {
      // An error by us or by the server, either way in words, and never a hang.
      RawClient client(remuda.port(), "postgres", "p0");
      client.send(packet(type, body) + sync_message());
      const Message answer = client.read();
      INFO(type << " with '" << body << "'");
      CHECK(answer.type == 'E');
      CHECK(notice_fields(answer)['C'] == "08P01");
    }
  }
  CHECK(bystander.value("SELECT 1") == "1");
}

TEST_CASE("a client may leave at every byte of its first conversation") {
  Remuda remuda(ini_text("max_client_conn = 1000\ndefault_pool_size = 2"));
  const std::string conversation = startup({{"user", "postgres"}, {"database", "p0"}}) +
                                   query("SELECT 1") + extended("SELECT 2") + sync_message() +
                                   packet('X');
  for (size_t cut = 0; cut <= conversation.size(); ++cut) {
    RawClient client(remuda.port());
    client.send(conversation.substr(0, cut));
    if (cut % 2)
      client.reset();
    else
      client.close();
  }
  CHECK(remuda.connect().value("SELECT 1") == "1");
  REQUIRE(eventually([&] {
    const auto pool = remuda.pool("p0");
    return pool.at("cl_active") == "0" && pool.at("cl_waiting") == "0" &&
           pool.at("sv_active") == "0" && pool.at("sv_login") == "0";
  }));
  CHECK(eventually([] { return postgres().backends("p0") <= 2; }));
}

TEST_CASE("a login sent one byte at a time") {
  Remuda remuda;
  RawClient client(remuda.port());
  for (const char byte : startup({{"user", "postgres"}, {"database", "p0"}}))
    client.send(std::string(1, byte));
  client.read_until('Z');
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("broken SCRAM messages") {
  Remuda remuda(ini_text("auth_type = scram-sha-256"));
  const auto log_in = [&](const std::string& mechanism, const std::string& first,
                          const std::string& second) {
    RawClient client(remuda.port());
    client.send(startup({{"user", "scram_user"}, {"database", "p0"}}));
    client.expect('R');
    client.send(packet('p', cstr(mechanism) + be32(static_cast<uint32_t>(first.size())) + first));
    const Message answer = client.read();
    if (answer.type == 'E') return notice_fields(answer)['M'];
    client.send(packet('p', second));
    return last_words(client);
  };
  const std::string good = "n,,n=,r=abcdefgh";
  CHECK(log_in("SCRAM-MD2", good, "") ==
        "client selected an invalid SASL authentication mechanism");
  for (const std::string& first :
       {std::string(), std::string("n"), std::string("n,,"), std::string("n,,n="),
        std::string("p=tls-unique,,n=,r=abc"), std::string("n,,n=,r="), std::string("x,,n=,r=abc"),
        std::string("n,,m=ext,n=,r=abc"), "n,,n=,r=" + std::string(60000, 'r')}) {
    const std::string told = log_in("SCRAM-SHA-256", first, "");
    INFO(first.substr(0, 30) << " -> " << told);
    CHECK_FALSE(told.empty());
  }
  for (const std::string& second :
       {std::string(), std::string("c=biws"), std::string("c=biws,r=abcdefgh,p=AAAA"),
        std::string("c=biws,r=abcdefgh,p=!!!"), std::string("r=,c=,p="), std::string(60000, ',')}) {
    const std::string told = log_in("SCRAM-SHA-256", good, second);
    INFO(second.substr(0, 30) << " -> " << told);
    CHECK(told.find("FATAL 08P01 ") == 0);
  }
  CHECK(remuda.connect("p0", "scram_user", "scram-secret").value("SELECT 1") == "1");
}

TEST_CASE("password packets of every size") {
  Remuda remuda(ini_text("auth_type = plain\nmax_packet_size = 1000000"));
  for (const size_t size : {1, 1000, 5000, 70000, 900000, 2000000}) {
    INFO(size);
    RawClient client(remuda.port());
    client.send(startup({{"user", "plain_user"}, {"database", "p0"}}));
    client.expect('R');
    try {
      client.send(packet('p', cstr(std::string(size, 'x'))));
    } catch (const PeerClosed&) {
      // Refused by its header already: the rest is not taken.
    }
    try {
      CHECK(notice_fields(client.expect('E'))['C'] == "08P01");
    } catch (const PeerClosed&) {
      CHECK(size > 1000000);
    }
  }
}

TEST_CASE("a server that lies about lengths or types costs its client only") {
  const std::vector<std::pair<const char*, std::string>> lies = {
      {"length 3", std::string("D") + be32(3)},
      {"length 0", std::string("Z") + be32(0)},
      {"negative length", std::string("D") + be32(0x80000000)},
      {"a ReadyForQuery of 1 GB", std::string("Z") + be32(1 << 30)},
      {"an empty ReadyForQuery", packet('Z')},
      {"a ReadyForQuery in no known state", packet('Z', "?")},
      {"an unknown type", packet('@', "what")},
      {"a type only clients send", query("SELECT 1")},
      {"an authentication request", packet('R', be32(0))},
      {"a ParameterStatus without terminators", packet('S', "TimeZone")},
  };
  for (const auto& [what, bytes] : lies) {
    INFO(what);
    FakeServer server(lying(bytes));
    Remuda remuda(ini_for(server));
    Pq bystander = remuda.connect("p1");
    Pq victim = remuda.connect("p0");
    const auto error = pq_error([&] { victim.exec("SELECT 1"); });
    CHECK(error.message != "no error");
    CHECK(error.message.find("no answer in time") == std::string::npos);
    CHECK(victim.wait_closed());
    CHECK(bystander.value("SELECT 1") == "1");
    CHECK(remuda.connect("p0").value("SELECT 1") == "fine");
  }
}

TEST_CASE("a server that dies in every byte of its answer") {
  const std::string answer = one_value("value") + ready();
  for (size_t cut = 0; cut < answer.size(); cut += 3) {
    INFO("cut at " << cut);
    FakeServer server([&](FakePeer& peer) {
      peer.login();
      if (peer.number() > 0) peer.serve([](const std::string&) { return "fine"; });
      peer.expect_query();
      peer.send(answer.substr(0, cut));
    });
    Remuda remuda(ini_for(server));
    RawClient victim(remuda.port(), "postgres", "p0");
    victim.send(query("SELECT 1"));
    try {
      // What had arrived, then either a whole error of ours or, inside a message, just the end.
      const auto messages = victim.read_to_end();
      REQUIRE_FALSE(messages.empty());
      CHECK(notice_fields(messages.back())['M'] == "server conn crashed?");
    } catch (const PeerClosed&) {
    }
    CHECK(remuda.connect("p0").value("SELECT 1") == "fine");
  }
}

TEST_CASE("a server that dies in every byte of its login") {
  std::string hello = packet('R', be32(0)) + packet('S', cstr("server_version") + cstr("15.0")) +
                      packet('K', be32(7) + "abcd") + ready();
  for (size_t cut = 0; cut < hello.size(); cut += 3) {
    INFO("cut at " << cut);
    FakeServer server([&](FakePeer& peer) {
      if (peer.number() > 0) {
        peer.login();
        peer.serve([](const std::string&) { return "fine"; });
      }
      peer.accept_startup();
      peer.send(hello.substr(0, cut));
    });
    Remuda remuda(ini_for(server));
    CHECK(eventually([&] { return remuda.refusal("p0").message == "no error"; }));
    CHECK(remuda.connect("p0").value("SELECT 1") == "fine");
  }
}

TEST_CASE("a server that talks nonsense during its login") {
  const std::vector<std::string> hellos = {
      packet('R'),
      packet('R', be32(99)),
      packet('R', be32(5) + "ab"),
      packet('R', be32(10)),
      packet('R', be32(10) + "no terminator"),
      packet('R', be32(11) + "r=1,s=x,i=1"),
      packet('R', be32(0)) + packet('K', "abc"),
      packet('R', be32(0)) + packet('D', "row"),
      packet('E'),
      packet('E', "S"),
      std::string("R") + be32(0x7fffffff),
      std::string("E") + be32(3),
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      ready(),
  };
  for (const auto& hello : hellos) {
    INFO(hello);
    FakeServer server([&](FakePeer& peer) {
      peer.accept_startup();
      peer.send(hello);
      peer.read();
    });
    Remuda remuda(ini_for(server, "client_login_timeout = 1\nserver_connect_timeout = 1"));
    Pq bystander = remuda.connect("p1");
    CHECK(remuda.refusal("p0").sqlstate.size() == 5);
    CHECK(bystander.value("SELECT 1") == "1");
  }
}

TEST_CASE("a server that never stops sending parameters does not fill our memory") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(packet('R', be32(0)));
    for (int i = 0; i < 1000000; ++i)
      peer.send(packet('S', cstr("p" + std::to_string(i)) + cstr(std::string(1000, 'v'))));
    peer.note("it took them all");
  });
  Remuda remuda(ini_for(server, "client_login_timeout = 3\nserver_connect_timeout = 3"));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
  CHECK(remuda.resident() < 300L * 1024);
  for (const auto& note : server.notes()) CHECK(note != "it took them all");
}

TEST_CASE("a client that sends without end while it waits does not fill our memory") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  Pq holder = remuda.connect();
  holder.exec("BEGIN");
  const long before = remuda.resident();
  RawClient flood(remuda.port(), "postgres", "p0");
  flood.send(query("SELECT 1"));
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  const std::string batch(packet('H') + packet('H'));
  std::string chunk;
  for (int i = 0; i < 100000; ++i) chunk += batch;
  std::thread sender([&] {
    try {
      for (int i = 0; i < 64; ++i) flood.send(chunk);
    } catch (const std::exception&) {
      // Stuck, as it should be, until the main thread interrupts.
    }
  });
  CHECK(holder.value("SELECT 1") == "1");
  CHECK(remuda.resident() - before < 16L * 1024);
  flood.interrupt();
  sender.join();
  CHECK(holder.value("SELECT 2") == "2");
}

}  // namespace remuda::test::bad_input_test
