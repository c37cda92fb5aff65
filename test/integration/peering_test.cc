// Several processes as peers: a cancel request that reaches the wrong one.
#include <fmt/core.h>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/packet.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

using namespace remuda::test;

namespace {

std::string peer_ini(int id, const std::string& peers) {
  return ini_text(fmt::format("peer_id = {}\nverbose = 1\n[peers]\n{}", id, peers));
}

// A CancelRequest over TCP; returns when the other side has closed.
void send_cancel(int port, const std::string& key) {
  RawClient client(port);
  client.send(cancel_request(key));
  CHECK_THROWS_AS(client.read(), PeerClosed);
}

// The error that a cancelled SELECT ends with; its columns are told before.
Message cancelled(RawClient& client) {
  Message message = client.read();
  while (message.type == 'T') message = client.read();
  return message;
}

bool is_sleeping(Remuda& remuda) {
  return remuda.connect().value(
             "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(61)'"
             " AND state = 'active'") == "1";
}

}  // namespace

TEST_CASE("a cancel request that reaches a peer is forwarded to the process that issued its key") {
  Remuda first(peer_ini(258, ""));
  Remuda second(peer_ini(2, fmt::format("258 = host=127.0.0.1 port={}\n", first.port())));
  RawClient client(first.port(), "postgres", "p0");
  CHECK(static_cast<int>(client.key().at(1)) == 2);
  CHECK(static_cast<int>(client.key().at(2)) == 1);
  client.send(query("SELECT pg_sleep(61)"));
  REQUIRE(eventually([&] { return is_sleeping(first); }));
  send_cancel(second.port(), client.key());
  const Message error = cancelled(client);
  CHECK(error.type == 'E');
  CHECK(notice_fields(error)['C'] == "57014");
  CHECK(
      second.wait_log(fmt::format("peer-258@127.0.0.1:{} successfully sent cancel", first.port())));
}

TEST_CASE("a cancel request that arrives at its own process is not forwarded, whatever its hops") {
  Remuda remuda(peer_ini(1, "1 = host=127.0.0.1 port=1\n"));
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("SELECT pg_sleep(61)"));
  REQUIRE(eventually([&] { return is_sleeping(remuda); }));
  std::string key = client.key();
  CHECK((key.back() & 3) == 3);
  key.back() = static_cast<char>(key.back() & ~3);
  send_cancel(remuda.port(), key);
  CHECK(notice_fields(cancelled(client))['C'] == "57014");
}

TEST_CASE("peers that name each other for a third one do not forward for ever") {
  Remuda first(peer_ini(1, "3 = host=127.0.0.1 port={port}\n"));
  send_cancel(first.port(), std::string("\x11\x03\x00\x22\x33\x44\x55\x57", 8));
  CHECK(first.wait_log("a cancel request for peer 3 has been forwarded too often"));
}
