// Several processes as peers: a cancel request that reaches the wrong one.
#include <fmt/core.h>
#include <signal.h>

#include <list>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/listening_socket.h"
#include "support/packet.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/tls_settings.h"

namespace remuda::test::peering_test {
namespace {

std::string peer_ini(int id, const std::string& peers, const std::string& settings = "") {
  return ini_text(fmt::format("peer_id = {}\nverbose = 1\n{}\n[peers]\n{}", id, settings, peers));
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

// A client by a unix socket, logged in to p0.
struct UnixClient : Channel {
  explicit UnixClient(const std::string& path) : Channel(connect_unix(path)) {
    send(startup({{"user", "postgres"}, {"database", "p0"}}));
    for (const Message& message : read_until('Z')) {
      if (message.type == 'K') key = message.body;
    }
  }
  std::string key;
};

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

TEST_CASE("a peer is reached by its unix socket, and though it wants TLS of clients") {
  const bool by_unix = GENERATE(true, false);
  CAPTURE(by_unix);
  Remuda first(peer_ini(1, "", client_tls("require")));
  const std::string host = by_unix ? first.dir() : "127.0.0.1";
  const std::string peers = fmt::format("1 = host={} port={}\n", host, first.port());
  Remuda second(peer_ini(2, peers, client_tls("allow")));
  RawClient client(first.port());
  client.secure();
  client.login("postgres", "p0");
  client.send(query("SELECT pg_sleep(61)"));
  REQUIRE(eventually([&] { return is_sleeping(second); }));
  // The request itself may come over TLS.
  RawClient request(second.port());
  if (by_unix) request.secure();
  request.send(cancel_request(client.key()));
  CHECK_THROWS_AS(request.read(), PeerClosed);
  CHECK(notice_fields(cancelled(client))['C'] == "57014");
}

TEST_CASE("SHOW PEERS and SHOW PEER_POOLS tell peers and the requests on their way to them") {
  // A peer that accepts connections and says nothing.
  ListeningSocket silent;
  Remuda remuda(peer_ini(1, fmt::format("1 = host=127.0.0.1\n7 = host=127.0.0.1 port={} "
                                        "pool_size=1\n",
                                        silent.port())));

  const std::vector<Record> peers = remuda.show("PEERS");
  REQUIRE(peers.size() == 2);
  CHECK(peers[0].at("port") == "6432");
  CHECK(peers[0].at("pool_size") == "20");
  CHECK(peers[1].at("peer_id") == "7");
  CHECK(peers[1].at("host") == "127.0.0.1");
  CHECK(peers[1].at("port") == std::to_string(silent.port()));
  CHECK(peers[1].at("pool_size") == "1");

  const std::string key("\x11\x07\x00\x22\x33\x44\x55\x57", 8);
  RawClient one(remuda.port());
  RawClient two(remuda.port());
  one.send(cancel_request(key));
  two.send(cancel_request(key));
  const auto numbers = [&] {
    const Record row = remuda.show("PEER_POOLS").at(1);
    return row.at("cl_active_cancel_req") + row.at("cl_waiting_cancel_req") +
           row.at("sv_active_cancel") + row.at("sv_login");
  };
  CHECK(eventually([&] { return numbers() == "1110"; }));
  silent.close();
  CHECK_THROWS_AS(one.read(), PeerClosed);
  CHECK_THROWS_AS(two.read(), PeerClosed);
  CHECK(eventually([&] { return numbers() == "0000"; }));
}

TEST_CASE("two processes at one port: whichever a cancel request reaches, it has its effect") {
  const int port = free_port();
  TempDir dirs[2];
  std::list<Process> processes;
  for (int i : {0, 1}) {
    const std::string ini = fmt::format(
        "[databases]\np0 = host=127.0.0.1 port={}\n[remuda]\nso_reuseport = 1\n"
        "listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir = {}\n"
        "auth_type = trust\nserver_tls_sslmode = disable\nadmin_users = postgres\n"
        "auth_file = {}\npeer_id = {}\n[peers]\n{} = host={} port={}\n",
        postgres().port(), port, dirs[i].path(), dirs[i].file("users"), i + 1, 2 - i,
        dirs[1 - i].path(), port);
    write_file(dirs[i].file("users"), kUserList);
    write_file(dirs[i].file("remuda.ini"), ini);
    processes.emplace_back(Command{.argv = {remuda_program(), dirs[i].file("remuda.ini")},
                                   .output = dirs[i].file("output")});
    REQUIRE(eventually(
        [&] { return read_file(dirs[i].file("output")).find("process up") != std::string::npos; }));
  }
  // By its unix socket, so that it is known which process has it.
  UnixClient client(fmt::format("{}/.s.PGSQL.{}", dirs[0].path(), port));
  Pq watcher({.host = dirs[1].path(), .port = port, .dbname = "p0", .user = "postgres"});
  CHECK(static_cast<int>(client.key.at(1)) == 1);
  // The port's sockets get connections at random.
  for (int i = 0; i < 10; ++i) {
    client.send(query("SELECT pg_sleep(62)"));
    REQUIRE(eventually([&] {
      return watcher.value(
                 "SELECT count(*) FROM pg_stat_activity WHERE query = "
                 "'SELECT pg_sleep(62)' AND state = 'active'") == "1";
    }));
    RawClient request(port);
    request.send(cancel_request(client.key));
    CHECK_THROWS_AS(request.read(), PeerClosed);
    std::vector<Message> replies = client.read_until('Z');
    CHECK(notice_fields(replies.at(replies.size() - 2))['C'] == "57014");
  }
  // One ends when its client leaves; the other goes on at the port.
  processes.front().signal(SIGTERM);
  CHECK(eventually(
      [&] { return read_file(dirs[0].file("output")).find("got SIGTERM") != std::string::npos; }));
  client.send(query("SELECT 1"));
  CHECK(client.read_until('Z').size() == 4);
  client.send(std::string_view("X\0\0\0\4", 5));
  CHECK(processes.front().wait_exit() == 0);
  CHECK(Pq({.host = "127.0.0.1", .port = port, .dbname = "p0", .user = "postgres"})
            .value("SELECT 2") == "2");
  processes.back().signal(SIGQUIT);
  CHECK(processes.back().wait_exit() == 0);
}

}  // namespace remuda::test::peering_test
