// How remuda gets into a server, and what clients learn when it does not.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::server_login_test {
namespace {

std::string ini_for(const FakeServer& server, const std::string& settings = "") {
  return ini_text("client_login_timeout = 20\n" + settings,
                  "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n");
}

std::string stored_secret(const std::string& user) {
  return postgres().value("SELECT rolpassword FROM pg_authid WHERE rolname = '" + user + "'");
}

std::string one_user(const std::string& name, const std::string& secret) {
  return "\"" + name + "\" \"" + secret + "\"\n";
}

std::string answer(const std::string&) {
  return "fine";
}

}  // namespace

TEST_CASE("each method a server may ask for") {
  Remuda remuda;
  for (const char* user : {"trust_user", "plain_user", "md5_user", "scram_user"}) {
    INFO(user);
    CHECK(remuda.connect("p0", user).value("SELECT current_user") == user);
  }
}

TEST_CASE("the password of the connect string is used for a forced user") {
  Remuda remuda(ini_text("",
                         "p0 = host=127.0.0.1 port={pg_port} user=scram_user "
                         "password='scram-secret'\n"),
                one_user("postgres", "x"));
  CHECK(remuda.connect("p0").value("SELECT current_user") == "scram_user");
}

TEST_CASE("an md5 secret is enough for a server that asks for md5") {
  Remuda remuda(ini_text(), one_user("md5_user", stored_secret("md5_user")));
  CHECK(remuda.connect("p0", "md5_user").value("SELECT 1") == "1");
}

TEST_CASE("a secret of the wrong kind cannot answer the server") {
  Remuda remuda(ini_text(), one_user("scram_user", stored_secret("md5_user")) +
                                one_user("md5_user", stored_secret("scram_user")));
  for (const char* user : {"scram_user", "md5_user"}) {
    const auto refused = remuda.refusal("p0", user);
    CHECK(refused.message == "server login failed: wrong password type");
    CHECK(refused.sqlstate == "08P01");
  }
}

TEST_CASE("a server's refusal reaches the client with its own SQLSTATE and text") {
  const std::string user = GENERATE("plain_user", "md5_user", "scram_user");
  Remuda remuda(ini_text(), one_user(user, "wrong"));
  const auto refused = remuda.refusal("p0", user);
  CHECK(refused.sqlstate == "28P01");
  CHECK(refused.message == "password authentication failed for user \"" + user + "\"");
  CHECK(remuda.wait_log("server login failed: FATAL password authentication failed for user"));
}

TEST_CASE("a database the server does not have") {
  Remuda remuda(ini_text("", "p0 = host=127.0.0.1 port={pg_port} dbname=missing\n"));
  const auto refused = remuda.refusal("p0");
  CHECK(refused.sqlstate == "3D000");
  CHECK(refused.message == "database \"missing\" does not exist");
}

TEST_CASE("every client that waits for a refused login is told") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.hang();
    peer.send(error_response("53300", "too many of you", "FATAL"));
  });
  Remuda remuda(ini_for(server));
  std::thread releaser([&] {
    eventually([&] { return server.connections() > 0; });
    server.release();
  });
  const auto failures = failures_of(4, [&](int) {
    const auto refused = remuda.refusal("p0");
    const bool told = refused.sqlstate == "53300" && refused.message == "too many of you";
    const bool cached = refused.message.find("cached error: ") != std::string::npos;
    if (!told && !cached) throw refused;
  });
  releaser.join();
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("a server that is starting up is waited for") {
  FakeServer server([](FakePeer& peer) {
    if (peer.number() == 0) {
      peer.accept_startup();
      peer.send(error_response("57P03", "the database system is starting up", "FATAL"));
      return;
    }
    peer.login();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server, "server_login_retry = 0.2"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(server.connections() == 2);
}

TEST_CASE("a server that is down") {
  const int nobody = free_port();
  Remuda remuda(ini_text("client_login_timeout = 1\nserver_login_retry = 30",
                         "p0 = host=127.0.0.1 port=" + std::to_string(nobody) + "\n" +
                             "p1 = host=127.0.0.1 port={pg_port}\n"));
  const std::string waited = "client_login_timeout (server down)";
  CHECK(remuda.refusal("p0").message == waited);
  // A login waits for the next attempt, although the last one is known to have failed.
  CHECK(remuda.refusal("p0").message == waited);
  CHECK(remuda.connect("p1").value("SELECT 1") == "1");
}

TEST_CASE("a query that needs a server right after a login to it has failed") {
  PostgresServer server;
  Remuda remuda(ini_text("server_login_retry = 30\nquery_wait_timeout = 10",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  Pq first = remuda.connect();
  Pq second = remuda.connect();
  CHECK(first.value("SELECT 1") == "1");
  server.stop();
  first.send("SELECT 2");
  REQUIRE(remuda.wait_log("connect failed"));
  const auto cached = pq_error([&] { second.exec("SELECT 3"); });
  CHECK(cached.message.find("server login has been failing, cached error: ") == 0);
  CHECK(cached.message.find("(server_login_retry)") != std::string::npos);
}

TEST_CASE("a server that comes back is used again") {
  PostgresServer server;
  Remuda remuda(ini_text("server_login_retry = 0.2",
                         "p0 = host=127.0.0.1 port=" + std::to_string(server.port()) + "\n"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 1") == "1");
  server.stop();
  // A query on a server gone, or one that waits for a new server: an error or silence, no answer.
  client.send("SELECT 2");
  server.start();
  CHECK(eventually(
      [&] { return pq_error([&] { remuda.connect().value("SELECT 3"); }).message == "no error"; }));
}

TEST_CASE("an error without SQLSTATE during the login") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(error_response("", "no code today", "FATAL"));
  });
  Remuda remuda(ini_for(server));
  const auto refused = remuda.refusal("p0");
  CHECK(refused.message == "no code today");
  CHECK(refused.sqlstate.size() == 5);
}

TEST_CASE("a notice during the login does no harm") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    std::string notice = error_response("01000", "mind the gap", "WARNING");
    notice[0] = 'N';
    peer.send(notice + packet('R', be32(0)) + notice);
    peer.greet();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
}

TEST_CASE("a server with an absurd SCRAM iteration count is refused at once") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(packet('R', be32(10) + cstr("SCRAM-SHA-256") + '\0'));
    const std::string initial = peer.expect('p').body;
    const std::string nonce = initial.substr(initial.rfind("r=") + 2);
    peer.send(packet('R', be32(11) + "r=" + nonce + "tail,s=c2FsdHNhbHQ=,i=1000000000"));
    peer.expect('p');
    peer.note("it computed");
  });
  Remuda remuda(ini_for(server));
  const auto refused = remuda.refusal("p0");
  CHECK(refused.sqlstate == "08P01");
  CHECK(refused.message.find("timeout") == std::string::npos);
  for (const auto& note : server.notes()) CHECK(note != "it computed");
}

TEST_CASE("a server whose SCRAM signature is wrong is not trusted") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(packet('R', be32(10) + cstr("SCRAM-SHA-256") + '\0'));
    const std::string initial = peer.expect('p').body;
    const std::string nonce = initial.substr(initial.rfind("r=") + 2);
    peer.send(packet('R', be32(11) + "r=" + nonce + "tail,s=c2FsdHNhbHQ=,i=4096"));
    peer.expect('p');
    peer.send(packet('R', be32(12) + "v=" + std::string(43, 'A') + "="));
    peer.send(packet('R', be32(0)));
    peer.greet();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server));
  CHECK(remuda.refusal("p0").message == "server login failed: invalid server signature");
}

TEST_CASE("a server with no method of ours") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(packet('R', be32(10) + cstr("SCRAM-MD2") + '\0'));
    peer.expect('p');
  });
  Remuda remuda(ini_for(server));
  CHECK(remuda.refusal("p0").message ==
        "server login failed: none of the server's SASL authentication mechanisms are supported");
}

TEST_CASE("server_connect_timeout gives up on a silent server and tries again") {
  FakeServer server([](FakePeer& peer) {
    if (peer.number() == 0) peer.hang();
    peer.login();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server, "server_connect_timeout = 1\nserver_login_retry = 0.2"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(remuda.wait_log("connect timeout"));
}

}  // namespace remuda::test::server_login_test
