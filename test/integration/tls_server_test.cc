// TLS between remuda and servers: whom it trusts, and what it does when there is no TLS.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/scram_exchange.h"
#include "support/tls_settings.h"

namespace remuda::test::tls_server_test {
namespace {

constexpr auto kServer = TlsEnd::Role::server;
constexpr const char* kPlus = "SCRAM-SHA-256-PLUS";
constexpr const char* kEncrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

std::string answer(const std::string&) {
  return "fine";
}

// Fails soon, and keeps trying.
std::string impatient() {
  return "client_login_timeout = 2\nserver_login_retry = 0.2\n";
}

std::string ini_for(const FakeServer& server, const std::string& settings,
                    const std::string& host = "localhost", const std::string& more = "") {
  return ini_text(impatient() + settings, database_at(host, server.port(), more));
}

// "TLS", "clear", or "refused".
std::string transport(const std::string& settings, const std::string& host, int port) {
  Remuda remuda(ini_text(impatient() + settings, database_at(host, port)));
  try {
    return remuda.connect().value(kEncrypted) == "t" ? "TLS" : "clear";
  } catch (const PqError& error) {
    return error.sqlstate == "08P01" ? "refused" : error.what();
  }
}

std::string to_tls_server(const std::string& mode, const std::string& host) {
  return transport(server_tls(mode), host, postgres_with_tls().port());
}

std::string distrusting(const std::string& mode) {
  return transport("server_tls_sslmode = " + mode +
                       "\nserver_tls_ca_file = " + certificates().other_authority.file() + "\n",
                   "localhost", postgres_with_tls().port());
}

// A scripted server with TLS that serves whoever gets in.
FakeServer::Script serving(const TlsChoices& choices) {
  return [choices](FakePeer& peer) {
    peer.accept_tls(choices);
    peer.note("host " + peer.tls()->requested_host());
    peer.note("client " + peer.tls()->peer_name());
    peer.login();
    peer.serve(answer);
  };
}

bool noted(const FakeServer& server, const std::string& text) {
  for (const auto& note : server.notes()) {
    if (note.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

// The server's certificate is for localhost, so 127.0.0.1 is the wrong name.

TEST_CASE("server_tls_sslmode towards a server with TLS") {
  struct Case {
    const char *mode, *good, *wrong_name, *wrong_authority;
  };
  const auto [mode, good, wrong_name, wrong_authority] =
      GENERATE(values<Case>({{"disable", "clear", "clear", "clear"},
                             {"allow", "TLS", "TLS", "TLS"},
                             {"prefer", "TLS", "TLS", "TLS"},
                             {"require", "TLS", "TLS", "TLS"},
                             {"verify-ca", "TLS", "TLS", "refused"},
                             {"verify-full", "TLS", "refused", "refused"}}));
  INFO(mode);
  CHECK(to_tls_server(mode, "localhost") == good);
  CHECK(to_tls_server(mode, "127.0.0.1") == wrong_name);
  CHECK(distrusting(mode) == wrong_authority);
}

TEST_CASE("server_tls_sslmode towards a server without TLS") {
  for (const char* mode : {"disable", "allow", "prefer"}) {
    INFO(mode);
    CHECK(transport(server_tls(mode), "localhost", postgres().port()) == "clear");
  }
  for (const char* mode : {"require", "verify-ca", "verify-full"}) {
    INFO(mode);
    CHECK(transport(server_tls(mode), "localhost", postgres().port()) == "refused");
  }
}

TEST_CASE("a unix socket to a server has no TLS, whatever the mode") {
  Remuda remuda(ini_text(server_tls("verify-full"), "p0 = host={tls_dir} port={tls_port}\n"));
  CHECK(remuda.connect().value(kEncrypted) == "f");
}

TEST_CASE("the log says why a server was not trusted") {
  {
    Remuda remuda(ini_text(impatient() + server_tls("verify-full"),
                           database_at("127.0.0.1", postgres_with_tls().port())));
    CHECK(remuda.refusal("p0").sqlstate == "08P01");
    CHECK(remuda.wait_log("certificate verify failed"));
  }
  Remuda remuda(
      ini_text(impatient() + server_tls("require"), database_at("localhost", postgres().port())));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
  CHECK(remuda.wait_log("server refused SSL"));
}

TEST_CASE("an expired certificate of a server is refused where the chain is checked") {
  FakeServer server(serving({.certificate = certificates().expired_server}));
  {
    Remuda remuda(ini_for(server, server_tls("require")));
    CHECK(remuda.connect().value("SELECT 1") == "fine");
  }
  Remuda remuda(ini_for(server, server_tls("verify-ca")));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
}

TEST_CASE("verify-full by IP address") {
  TempDir dir;
  const Authority authority(dir.path(), "own");
  const auto own = authority.issue("by-number", {"somewhere", {"IP:127.0.0.1"}});
  FakeServer server(serving({.certificate = own}));
  Remuda remuda(ini_for(
      server, "server_tls_sslmode = verify-full\nserver_tls_ca_file = " + authority.file() + "\n",
      "127.0.0.1"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  // An address is no name to be sent.
  CHECK(noted(server, "host "));
  CHECK_FALSE(noted(server, "host 127"));
}

TEST_CASE("verify-full asks for the name it checks") {
  FakeServer server(serving({.certificate = certificates().server}));
  Remuda remuda(ini_for(server, server_tls("verify-full")));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(noted(server, "host localhost"));
}

TEST_CASE("verify-full checks each host of a list by its own name") {
  FakeServer server(serving({.certificate = certificates().server}));
  const std::string hosts = GENERATE("127.0.0.1,localhost", "localhost,127.0.0.1");
  Remuda remuda(ini_for(server, server_tls("verify-full"), hosts));
  // Whichever comes first, only the one with the right name serves.
  CHECK(eventually(
      [&] { return pq_error([&] { remuda.connect().value("SELECT 1"); }).message == "no error"; }));
  CHECK(noted(server, "host localhost"));
}

TEST_CASE("a certificate that names another host than the common name says") {
  TempDir dir;
  const Authority authority(dir.path(), "own");
  const auto own = authority.issue("elsewhere", {"localhost", {"DNS:elsewhere.example"}});
  FakeServer server(serving({.certificate = own}));
  Remuda remuda(ini_for(
      server, "server_tls_sslmode = verify-full\nserver_tls_ca_file = " + authority.file() + "\n"));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
}

TEST_CASE("remuda shows its certificate to a server that asks") {
  FakeServer server(
      serving({.certificate = certificates().server, .ca_file = certificates().authority.file()}));
  {
    Remuda remuda(ini_for(server, server_tls("require")));
    CHECK(remuda.refusal("p0").sqlstate == "08P01");
  }
  const auto& own = certificates().cert_user;
  Remuda remuda(ini_for(server, server_tls("require") + "server_tls_cert_file = " + own.cert +
                                    "\nserver_tls_key_file = " + own.key + "\n"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(noted(server, "client cert_user"));
}

TEST_CASE("server_tls_protocols, server_tls_ciphers and server_tls13_ciphers") {
  const auto [setting, found] = GENERATE(table<std::string, std::string>({
      {"server_tls_protocols = tlsv1.2", "TLSv1.2/"},
      {"server_tls_protocols = tlsv1.3", "TLSv1.3/"},
      {"server_tls_protocols = tlsv1.2\nserver_tls_ciphers = ECDHE-ECDSA-AES256-GCM-SHA384",
       "TLSv1.2/ECDHE-ECDSA-AES256-GCM-SHA384"},
      {"server_tls13_ciphers = TLS_AES_128_GCM_SHA256", "TLSv1.3/TLS_AES_128_GCM_SHA256"},
  }));
  INFO(setting);
  Remuda remuda(ini_text(server_tls("verify-full") + setting,
                         database_at("localhost", postgres_with_tls().port())));
  const std::string agreed = remuda.connect().value(
      "SELECT version || '/' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  CHECK(agreed.find(found) == 0);
  const auto servers = remuda.show("SERVERS");
  REQUIRE(servers.size() == 1);
  CHECK(servers[0].at("tls").find(agreed) == 0);
  CHECK(remuda.wait_log("SSL established: " + agreed));
}

TEST_CASE("a server of another TLS version than allowed") {
  FakeServer server(serving({.certificate = certificates().server, .version = TLS1_3_VERSION}));
  Remuda remuda(ini_for(server, server_tls("require") + "server_tls_protocols = tlsv1.2\n"));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
}

TEST_CASE("a server in clear has an empty tls column") {
  Remuda remuda;
  remuda.connect().value("SELECT 1");
  CHECK(remuda.show("SERVERS").at(0).at("tls") == "");
}

TEST_CASE("C4.27 CVE-2021-23222: bytes in clear behind the server's answer") {
  const std::string reply = GENERATE("S", "N");
  FakeServer server([reply](FakePeer& peer) {
    peer.expect_ssl_request();
    peer.send(reply + packet('R', be32(0)) + ready());
    peer.note("got " + std::to_string(peer.read_rest().size()));
  });
  Remuda remuda(ini_for(server, server_tls("prefer")));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
  CHECK(remuda.wait_log("received unencrypted data after SSL response"));
  CHECK(server.wait_note("got 0"));
}

TEST_CASE("a server that answers the SSLRequest with something else") {
  const std::string reply =
      GENERATE(as<std::string>{}, "X", "\x16", error_response("0A000", "what?", "FATAL"));
  const std::string mode = GENERATE("prefer", "require");
  FakeServer server([reply](FakePeer& peer) {
    peer.expect_ssl_request();
    peer.send(reply);
    peer.note("got " + std::to_string(peer.read_rest().size()));
  });
  Remuda remuda(ini_for(server, server_tls(mode)));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
  CHECK(server.wait_note("got 0"));
}

TEST_CASE("a server that agrees to TLS and then breaks off") {
  FakeServer server([](FakePeer& peer) {
    peer.expect_ssl_request();
    peer.send("S");
    if (peer.number() == 0) return;
    if (peer.number() == 1) return peer.send_raw(std::string(1000, '\xff'));
    if (peer.number() == 2) return peer.send_raw("\x16\x03\x03");
    peer.start_tls(kServer, {.certificate = certificates().server});
    peer.login();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server, server_tls("verify-full") + "client_login_timeout = 20\n"));
  CHECK(eventually(
      [&] { return pq_error([&] { remuda.connect().value("SELECT 1"); }).message == "no error"; }));
  CHECK(server.connections() >= 4);
}

TEST_CASE("server_connect_timeout ends a handshake that does not proceed") {
  FakeServer server([](FakePeer& peer) {
    peer.expect_ssl_request();
    peer.send("S");
    if (peer.number() == 0) peer.hang();
    peer.start_tls(kServer, {.certificate = certificates().server});
    peer.login();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(
      server, server_tls("require") + "client_login_timeout = 20\nserver_connect_timeout = 1\n"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(remuda.wait_log("connect timeout"));
}

TEST_CASE("direct TLS to a server") {
  FakeServer server([](FakePeer& peer) {
    peer.start_tls(kServer, {.certificate = certificates().server, .protocols = {"postgresql"}});
    peer.note("protocol " + peer.tls()->protocol());
    peer.login();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server, server_tls("verify-full") + "server_tls_negotiation = direct\n"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(noted(server, "protocol postgresql"));
}

TEST_CASE("direct TLS to a server that does not confirm the protocol") {
  const std::vector<std::string> protocols =
      GENERATE(std::vector<std::string>{}, std::vector<std::string>{"h2"});
  FakeServer server([protocols](FakePeer& peer) {
    peer.start_tls(kServer, {.certificate = certificates().server, .protocols = protocols});
    peer.login();
    peer.note("it logged in");
  });
  Remuda remuda(ini_for(server, server_tls("require") + "server_tls_negotiation = direct\n"));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
  CHECK_FALSE(noted(server, "it logged in"));
}

TEST_CASE("direct TLS is refused by a server too old for it") {
  Remuda remuda(ini_text(impatient() + server_tls("require") + "server_tls_negotiation = direct\n",
                         database_at("localhost", postgres_with_tls().port())));
  CHECK(remuda.refusal("p0").sqlstate == "08P01");
}

TEST_CASE("SCRAM with channel binding, where a server offers nothing else") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server});
    peer.accept_startup();
    peer.note(demand_scram(peer, "secret", {kPlus}, peer.tls()->end_point_hash()));
    peer.send(packet('R', be32(0)));
    peer.greet();
    peer.serve(answer);
  });
  Remuda remuda(
      ini_for(server, server_tls("verify-full"), "localhost", "user=keeper password=secret"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(noted(server, kPlus));
}

TEST_CASE("C4.28 channel binding is chosen wherever it stands in the server's list") {
  const std::vector<std::string> offered =
      GENERATE(std::vector<std::string>{kPlus, "SCRAM-SHA-256"},
               std::vector<std::string>{"SCRAM-SHA-256", kPlus});
  FakeServer server([offered](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server});
    peer.accept_startup();
    peer.note("chosen " + demand_scram(peer, "secret", offered, peer.tls()->end_point_hash()));
    peer.send(packet('R', be32(0)));
    peer.greet();
    peer.serve(answer);
  });
  Remuda remuda(ini_for(server, server_tls("require"), "localhost", "user=keeper password=secret"));
  CHECK(remuda.connect().value("SELECT 1") == "fine");
  CHECK(noted(server, std::string("chosen ") + kPlus));
}

TEST_CASE("a man in the middle with a certificate of his own does not get past channel binding") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().expired_server});
    peer.accept_startup();
    // What the true server would check: the hash of its own certificate.
    TlsEnd true_server(kServer, {.certificate = certificates().server});
    demand_scram(peer, "secret", {kPlus}, true_server.end_point_hash());
    peer.note("it got past");
  });
  Remuda remuda(ini_for(server, server_tls("require"), "localhost", "user=keeper password=secret"));
  CHECK(remuda.refusal("p0").message != "no error");
  CHECK_FALSE(noted(server, "it got past"));
}

TEST_CASE("a server that offers channel binding without TLS") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_startup();
    peer.send(packet('R', be32(10) + cstr(kPlus) + '\0'));
    peer.expect('p');
    peer.note("it answered");
  });
  Remuda remuda(ini_for(server, "", "127.0.0.1", "user=keeper password=secret"));
  CHECK(remuda.refusal("p0").message ==
        "server login failed: none of the server's SASL authentication mechanisms are supported");
  CHECK_FALSE(noted(server, "it answered"));
}

TEST_CASE("PostgreSQL takes our channel binding") {
  Remuda remuda(ini_text(
      server_tls("verify-full"),
      database_at("localhost", postgres_with_tls().port(), "user=tls_user password=tls-secret")));
  CHECK(remuda.connect().value("SELECT current_user || ' ' || ssl FROM pg_stat_ssl WHERE pid = "
                               "pg_backend_pid()") == "tls_user true");
}

TEST_CASE("a server that says goodbye is a server that closed") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server});
    peer.login();
    if (peer.number() > 0) peer.serve(answer);
    peer.expect_query();
    peer.send(one_value("fine") + ready());
    peer.send_raw(peer.tls()->close_notify());
    peer.hang();
  });
  Remuda remuda(ini_for(server, server_tls("require") + "client_login_timeout = 20\n"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 1") == "fine");
  REQUIRE(eventually([&] { return remuda.show("SERVERS").empty(); }));
  CHECK(client.value("SELECT 2") == "fine");
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer that TLS cuts off is no answer") {
  const bool polite = GENERATE(true, false);
  FakeServer server([polite](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server});
    peer.login();
    peer.expect_query();
    const std::string row = one_value(std::string(1000, 'x'));
    peer.send(row.substr(0, row.size() / 2));
    if (polite) peer.send_raw(peer.tls()->close_notify());
  });
  Remuda remuda(ini_for(server, server_tls("require") + "client_login_timeout = 20\n"));
  Pq client = remuda.connect();
  // In the middle of a message there is no place for an error: the connection just ends.
  CHECK(pq_error([&] { client.exec("SELECT 1"); }).message != "no error");
  CHECK(client.wait_closed());
}

TEST_CASE("bytes in clear from a server in the middle of TLS") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server});
    peer.login();
    peer.expect_query();
    peer.send_raw(one_value("forged") + ready());
    peer.hang();
  });
  Remuda remuda(ini_for(server, server_tls("require") + "client_login_timeout = 20\n"));
  Pq client = remuda.connect();
  CHECK(pq_error([&] { client.exec("SELECT 1"); }).message != "no error");
}

TEST_CASE("a server that wants new keys") {
  FakeServer server([](FakePeer& peer) {
    peer.accept_tls({.certificate = certificates().server, .version = TLS1_3_VERSION});
    peer.login();
    while (true) {
      const std::string sql = peer.expect_query();
      const std::string bytes = one_value(sql) + ready();
      peer.send(bytes.substr(0, 20));
      peer.send_raw(peer.tls()->key_update());
      peer.send(bytes.substr(20));
    }
  });
  Remuda remuda(ini_for(server, server_tls("require")));
  Pq client = remuda.connect();
  for (int i = 0; i < 20; ++i) {
    const std::string sql = "SELECT " + std::to_string(i);
    CHECK(client.value(sql) == sql);
  }
}

}  // namespace remuda::test::tls_server_test
