// Clients that get TLS wrong, by accident or on purpose: they lose their own connection and nothing
// else.
#include <algorithm>

#include "support/catch.h"
#include "support/raw_client.h"
#include "support/threads.h"
#include "support/tls_settings.h"

namespace remuda::test::tls_hostile_test {
namespace {

constexpr auto kClient = TlsEnd::Role::client;

std::string ini_with(const std::string& more = "") {
  return ini_text(client_tls("allow") + more);
}

std::string client_hello() {
  TlsEnd end(kClient, {});
  end.handshake();
  return end.take_output();
}

std::string text_of(const std::vector<Message>& messages) {
  return types_of(messages) == "E" ? notice_fields(messages[0])['M'] : types_of(messages);
}

// Whether remuda is as well as before.
bool fine(const Remuda& remuda) {
  return Pq(tls_address(remuda)).value("SELECT 1") == "1";
}

// A logged-in client inside TLS.
void enter(RawClient& client, const TlsChoices& choices = {}) {
  client.secure(choices);
  client.login("postgres", "p0");
}

}  // namespace

TEST_CASE("C4.27 CVE-2021-3935: bytes in clear behind the SSLRequest are never acted upon") {
  Remuda remuda(ini_with());
  const std::string behind =
      GENERATE(as<std::string>{}, startup({{"user", "postgres"}, {"database", "p0"}}),
               client_hello(), std::string("x"));
  RawClient client(remuda.port());
  client.send(ssl_request() + behind);
  CHECK(text_of(client.read_to_end()) == "received unencrypted data after SSL request");
  CHECK(fine(remuda));
}

TEST_CASE("C4.27 bytes in clear behind the GSSENCRequest") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.send(gss_request() + startup({{"user", "postgres"}, {"database", "p0"}}));
  CHECK(text_of(client.read_to_end()) ==
        "received unencrypted data after GSSAPI encryption request");
}

TEST_CASE("GSS is declined, then TLS is agreed on") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.send(gss_request());
  CHECK(client.read_bytes(1) == "N");
  enter(client);
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("an SSLRequest inside TLS ends the connection without a word") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.secure();
  client.send(ssl_request());
  CHECK(client.read_rest().empty());
  CHECK(fine(remuda));
}

TEST_CASE("a startup packet in clear where the handshake should be") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  REQUIRE(client.request_tls() == "S");
  client.send(startup({{"user", "postgres"}, {"database", "p0"}}));
  // At most an alert of TLS: nothing of a login.
  CHECK(client.read_rest().size() <= 7);
  CHECK(remuda.wait_log("TLS handshake"));
  CHECK(fine(remuda));
}

TEST_CASE("garbage where the handshake should be") {
  Remuda remuda(ini_with());
  const std::string garbage =
      GENERATE(std::string(5, '\0'), std::string(100000, '\xff'),
               // A record of 64 KB, of which not all comes; a ClientHello that is none.
               std::string("\x16\x03\x01\xff\xff", 5) + std::string(70000, 'x'),
               std::string("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9));
  RawClient client(remuda.port());
  REQUIRE(client.request_tls() == "S");
  client.send(garbage);
  client.shutdown_write();
  CHECK(client.read_rest().size() <= 7);
  CHECK(fine(remuda));
}

TEST_CASE("a client that leaves in the middle of the handshake") {
  Remuda remuda(ini_with());
  const std::string hello = client_hello();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5}, hello.size() / 2, hello.size()}) {
    INFO(size);
    RawClient client(remuda.port());
    REQUIRE(client.request_tls() == "S");
    client.send(hello.substr(0, size));
    client.close();
  }
  CHECK(fine(remuda));
}

TEST_CASE("client_login_timeout ends a handshake that does not proceed") {
  Remuda remuda(ini_with("client_login_timeout = 0.5"));
  const std::string hello = client_hello();
  for (const size_t size : {size_t{0}, hello.size() / 2, hello.size()}) {
    INFO(size);
    RawClient client(remuda.port());
    REQUIRE(client.request_tls() == "S");
    client.send(hello.substr(0, size));
    client.read_rest();
  }
  CHECK(fine(remuda));
}

TEST_CASE("a hundred unfinished handshakes keep nobody out") {
  Remuda remuda(ini_with("max_client_conn = 200\n"));
  const std::string hello = client_hello();
  std::vector<std::unique_ptr<RawClient>> stuck;
  for (int i = 0; i < 100; ++i) {
    stuck.push_back(std::make_unique<RawClient>(remuda.port()));
    REQUIRE(stuck.back()->request_tls() == "S");
    stuck.back()->send(hello);
  }
  CHECK(failures_of(8, [&](int) {
          if (!fine(remuda)) throw std::runtime_error("wrong answer");
        }) == std::vector<std::string>{});
}

TEST_CASE("the handshake byte by byte") {
  Remuda remuda(ini_with());
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const bool direct = GENERATE(false, true);
  TlsEnd end(kClient, {.version = version, .protocols = {"postgresql"}});
  RawClient client(remuda.port());
  if (!direct) REQUIRE(client.request_tls() == "S");
  bool done = end.handshake();
  const auto trickle = [&](const std::string& bytes) {
    for (const char c : bytes) client.send(std::string(1, c));
  };
  while (!done) {
    trickle(end.take_output());
    done = end.handshake(client.read_bytes(1));
  }
  trickle(end.take_output());
  trickle(end.seal(startup({{"user", "postgres"}, {"database", "p0"}})));
  std::string answer;
  while (answer.find(ready()) == std::string::npos) REQUIRE(end.open(client.read_bytes(1), answer));
}

TEST_CASE("records of one byte each") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  client.secure();
  const auto trickle = [&](const std::string& bytes) {
    client.send_raw(client.tls()->seal(bytes, 1));
  };
  trickle(startup({{"user", "postgres"}, {"database", "p0"}}));
  client.read_until('Z');
  for (int i = 0; i < 20; ++i) {
    const std::string text = "text " + std::to_string(i);
    trickle(extended("SELECT '" + text + "'") + sync_message());
    const auto messages = client.read_until('Z');
    REQUIRE(types_of(messages) == "12DCZ");
    CHECK(first_value(messages[2]) == text);
  }
}

TEST_CASE("queries that come along with the startup packet, in its record or behind it") {
  Remuda remuda(ini_with());
  const std::string login = GENERATE(as<std::string>{}, "p0", "p1", "p2", "p3");
  const std::string packet = startup({{"user", "postgres"}, {"database", login}});
  const std::string question = query("SELECT current_database()");
  for (const bool one_record : {true, false}) {
    INFO(one_record);
    RawClient client(remuda.port());
    client.secure();
    std::string bytes = client.tls()->seal(packet + (one_record ? question : ""));
    const int more = one_record ? 0 : 2;
    for (int i = 0; i < more; ++i) bytes += client.tls()->seal(question);
    // One write, with the last record cut.
    client.send_raw(bytes.substr(0, bytes.size() - 3));
    client.send_raw(bytes.substr(bytes.size() - 3));
    client.read_until('Z');
    for (int i = 0; i < std::max(more, 1); ++i) {
      const auto messages = client.read_until('Z');
      REQUIRE(types_of(messages) == "TDCZ");
      CHECK(first_value(messages[1]) == login);
    }
  }
}

TEST_CASE("a handshake message without an end is not collected") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  REQUIRE(client.request_tls() == "S");
  // Records of 16 KB, pieces of a ClientHello of 16 MB.
  const std::string record = std::string("\x16\x03\x01\x40\x00", 5) + std::string(16384, '\0');
  std::string first = record;
  first.replace(5, 4, "\x01\xff\xff\xff");
  const auto flood = [&] {
    client.send(first);
    for (int i = 0; i < 4000; ++i) client.send(record);
  };
  // Ended long before the 64 MB are through.
  CHECK_THROWS_AS(flood(), PeerClosed);
  CHECK(fine(remuda));
}

TEST_CASE("a client that wants to negotiate anew (TLS 1.2) harms nobody") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client, {.version = TLS1_2_VERSION});
  client.send_raw(client.tls()->renegotiate());
  CHECK_THROWS(client.value("SELECT 1"));
  CHECK(fine(remuda));
}

TEST_CASE("a client that vanishes in the middle of an answer") {
  Remuda remuda(ini_with("default_pool_size = 1\n"));
  const bool abruptly = GENERATE(true, false);
  RawClient client(remuda.port());
  enter(client);
  client.send(query("SELECT repeat('x', 50000000)"));
  client.expect('T');
  abruptly ? client.reset() : client.close();
  CHECK(fine(remuda));
  CHECK(remuda.wait_pool("p0", "cl_active", 0));
}

TEST_CASE("a record that was tampered with closes the connection and runs nothing") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client);
  std::string record = client.tls()->seal(query("SELECT 1"));
  record[record.size() / 2] = static_cast<char>(record[record.size() / 2] ^ 1);
  client.send_raw(record);
  std::string answer;
  try {
    answer = client.read_rest();
  } catch (const TlsFailure&) {
    // The alert: bad record mac.
  }
  CHECK(answer.empty());
  CHECK(fine(remuda));
}

TEST_CASE("bytes in clear in the middle of TLS close the connection") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client);
  client.send_raw(query("SELECT 1"));
  CHECK_THROWS(client.read());
  CHECK(fine(remuda));
}

TEST_CASE("new keys as often as the client likes") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client, {.version = TLS1_3_VERSION});
  for (int i = 0; i < 50; ++i) {
    client.send_raw(client.tls()->key_update());
    CHECK(client.value("SELECT " + std::to_string(i)) == std::to_string(i));
  }
  CHECK(fine(remuda));
}

TEST_CASE("new keys in the middle of an answer") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client, {.version = TLS1_3_VERSION});
  client.send(query("SELECT repeat('x', 5000000)"));
  client.expect('T');
  for (int i = 0; i < 10; ++i) client.send_raw(client.tls()->key_update());
  CHECK(first_value(client.expect('D')) == std::string(5000000, 'x'));
  client.read_until('Z');
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("the end of a connection is quiet, with goodbye and without") {
  Remuda remuda(ini_with());
  const bool polite = GENERATE(true, false);
  {
    RawClient client(remuda.port());
    enter(client);
    client.send(packet('X'));
    if (polite) client.send_raw(client.tls()->close_notify());
  }
  REQUIRE(remuda.wait_pool("p0", "cl_active", 0));
  {
    RawClient client(remuda.port());
    enter(client);
    if (polite) client.send_raw(client.tls()->close_notify());
  }
  REQUIRE(remuda.wait_pool("p0", "cl_active", 0));
  CHECK(remuda.log().find("WARNING") == std::string::npos);
  CHECK(remuda.log().find("ERROR") == std::string::npos);
}

TEST_CASE("a goodbye alone ends the client, and its server goes back") {
  Remuda remuda(ini_with("default_pool_size = 1\n"));
  RawClient client(remuda.port());
  enter(client);
  CHECK(client.value("SELECT 1") == "1");
  client.send_raw(client.tls()->close_notify());
  client.read_rest();
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
  CHECK(fine(remuda));
}

TEST_CASE("remuda says goodbye when it closes") {
  Remuda remuda(ini_with());
  RawClient client(remuda.port());
  enter(client);
  client.send(packet('X'));
  client.read_rest();
  CHECK(client.was_told_goodbye());
}

}  // namespace remuda::test::tls_hostile_test
