// Every method, to us and to servers, over TCP, a unix socket and TLS, with a good and a bad
// password. A row of a table here is a row of the table of methods in the documentation.
#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/scram_exchange.h"
#include "support/tls_settings.h"

namespace remuda::test::auth_matrix_test {
namespace {

constexpr const char* kPlus = "SCRAM-SHA-256-PLUS";
constexpr const char* kBound = "p=tls-server-end-point,,";

// ---- To us: every database is served by a user whom the server trusts. ----

std::string ini_with(const std::string& auth_type) {
  return ini_text(client_tls("allow") + "auth_type = " + auth_type,
                  "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n");
}

// What PostgreSQL itself stores for a password under the given encryption.
std::string stored_secret(const std::string& encryption, const std::string& role = "keeper",
                          const std::string& password = "secret") {
  Pq connection(postgres().address());
  connection.exec("BEGIN; SET LOCAL password_encryption = '" + encryption + "'");
  connection.exec("CREATE ROLE " + role + " PASSWORD '" + password + "'");
  const std::string secret =
      connection.value("SELECT rolpassword FROM pg_authid WHERE rolname = '" + role + "'");
  connection.exec("ROLLBACK");
  return secret;
}

std::string users_with(const std::string& form) {
  return "\"keeper\" \"" + (form == "plain" ? "secret" : stored_secret(form)) + "\"\n";
}

struct Way {
  const char* name;
  Address (*address)(const Remuda& remuda, const std::string& user, const std::string& password);
};

Address by_tcp(const Remuda& remuda, const std::string& user, const std::string& password) {
  return remuda.address("p0", user, password);
}
Address by_unix(const Remuda& remuda, const std::string& user, const std::string& password) {
  return unix_address(remuda, user, password);
}
Address by_tls(const Remuda& remuda, const std::string& user, const std::string& password) {
  Address address = tls_address(remuda, user, password);
  address.options += " channel_binding=disable";
  return address;
}
Address by_bound_tls(const Remuda& remuda, const std::string& user, const std::string& password) {
  Address address = tls_address(remuda, user, password);
  address.options += " channel_binding=require";
  return address;
}

constexpr Way kTcp{"TCP", by_tcp};
constexpr Way kUnix{"unix socket", by_unix};
constexpr Way kTls{"TLS", by_tls};
constexpr Way kBoundTls{"TLS with channel binding", by_bound_tls};

std::string text_of_refusal(const Address& address) {
  const PqError error = pq_error([&] { Pq{address}; });
  return error.sqlstate + " " + error.message;
}

// How a hand-made SCRAM login inside TLS ends.
std::string verdict(const Remuda& remuda, const ScramAttempt& attempt, bool right_binding = true) {
  RawClient client(remuda.port());
  client.secure();
  client.send(startup({{"user", "keeper"}, {"database", "p0"}}));
  ScramAttempt bound = attempt;
  if (attempt.header == kBound) bound.binding = client.tls()->end_point_hash();
  if (!right_binding) bound.binding[0] = static_cast<char>(bound.binding[0] ^ 1);
  return scram_verdict(client, bound);
}

std::vector<std::string> offered(RawClient& client) {
  client.send(startup({{"user", "keeper"}, {"database", "p0"}}));
  return mechanisms_of(client.read());
}

// ---- To servers: every client is trusted. ----

enum class Transport { tcp, unix_socket, tls };

std::string to_server(Transport transport, const std::string& user,
                      const std::string& settings = "") {
  const std::string mode = transport == Transport::tls ? "verify-full" : "disable";
  const std::string host = transport == Transport::unix_socket ? "{tls_dir}" : "localhost";
  return ini_text(server_tls(mode) + settings,
                  "p0 = host=" + host + " port={tls_port} user=" + user + "\n");
}

std::string one_user(const std::string& name, const std::string& secret) {
  return "\"postgres\" \"x\"\n\"" + name + "\" \"" + secret + "\"\n";
}

std::string own_certificate(const CertificateFiles& own) {
  return "server_tls_cert_file = " + own.cert + "\nserver_tls_key_file = " + own.key + "\n";
}

std::string secret_at_server(const std::string& user) {
  return postgres_with_tls().value("SELECT rolpassword FROM pg_authid WHERE rolname = '" + user +
                                   "'");
}

}  // namespace

TEST_CASE("to us: trust") {
  const Way way = GENERATE(kTcp, kUnix, kTls);
  INFO(way.name);
  Remuda remuda(ini_with("trust"), users_with("plain"));
  CHECK(Pq(way.address(remuda, "keeper", "")).value("SELECT current_user") == "trust_user");
  CHECK(text_of_refusal(way.address(remuda, "nobody", "")) ==
        "08P01 \"trust\" authentication failed");
}

TEST_CASE("to us: any") {
  const Way way = GENERATE(kTcp, kUnix, kTls);
  INFO(way.name);
  Remuda remuda(ini_with("any"), "");
  CHECK(Pq(way.address(remuda, "nobody", "")).value("SELECT current_user") == "trust_user");
}

TEST_CASE("to us: plain, md5 and SCRAM") {
  struct Case {
    const char *method, *form, *failure;
  };
  const auto [method, form, failure] = GENERATE(values<Case>({
      {"plain", "plain", "08P01 password authentication failed"},
      {"plain", "md5", "08P01 password authentication failed"},
      {"plain", "scram-sha-256", "08P01 password authentication failed"},
      {"md5", "plain", "08P01 password authentication failed"},
      {"md5", "md5", "08P01 password authentication failed"},
      {"md5", "scram-sha-256", "08P01 SASL authentication failed"},
      {"scram-sha-256", "plain", "08P01 SASL authentication failed"},
      {"scram-sha-256", "scram-sha-256", "08P01 SASL authentication failed"},
  }));
  Remuda remuda(ini_with(method), users_with(form));
  for (const Way& way : {kTcp, kUnix, kTls}) {
    INFO(method << ", secret " << form << ", " << way.name);
    CHECK(Pq(way.address(remuda, "keeper", "secret")).value("SELECT current_user") == "trust_user");
    CHECK(text_of_refusal(way.address(remuda, "keeper", "Secret")) == failure);
    // A stranger is refused like those whom the file knows.
    CHECK(text_of_refusal(way.address(remuda, "nobody", "Secret")) == failure);
  }
}

TEST_CASE("to us: SCRAM-SHA-256-PLUS") {
  struct Case {
    const char *method, *form;
  };
  const auto [method, form] = GENERATE(values<Case>(
      {{"scram-sha-256", "plain"}, {"scram-sha-256", "scram-sha-256"}, {"md5", "scram-sha-256"}}));
  INFO(method << ", secret " << form);
  Remuda remuda(ini_with(method), users_with(form));
  CHECK(Pq(kBoundTls.address(remuda, "keeper", "secret")).value("SELECT 1") == "1");
  CHECK(text_of_refusal(kBoundTls.address(remuda, "keeper", "Secret")) ==
        "08P01 SASL authentication failed");
  if (std::string(method) == "scram-sha-256")
    CHECK(text_of_refusal(kBoundTls.address(remuda, "nobody", "Secret")) ==
          "08P01 SASL authentication failed");
}

TEST_CASE("C4.28 channel binding is offered inside TLS only, and first") {
  Remuda remuda(ini_with("scram-sha-256"), users_with("plain"));
  RawClient inside(remuda.port());
  inside.secure();
  CHECK(offered(inside) == std::vector<std::string>{kPlus, "SCRAM-SHA-256"});
  RawClient outside(remuda.port());
  CHECK(offered(outside) == std::vector<std::string>{"SCRAM-SHA-256"});
  // To a stranger as to everyone.
  RawClient stranger(remuda.port());
  stranger.secure();
  stranger.send(startup({{"user", "nobody"}, {"database", "p0"}}));
  CHECK(mechanisms_of(stranger.read()) == std::vector<std::string>{kPlus, "SCRAM-SHA-256"});
}

TEST_CASE("channel binding that is right, wrong, of another kind, or left out") {
  Remuda remuda(ini_with("scram-sha-256"), users_with("plain"));
  const std::string refused = "SASL authentication failed";
  CHECK(verdict(remuda, {"secret", kPlus, kBound}) == "");
  CHECK(verdict(remuda, {"Secret", kPlus, kBound}) == refused);
  CHECK(verdict(remuda, {"secret", kPlus, kBound}, false) == refused);
  CHECK(verdict(remuda, {"secret", "SCRAM-SHA-256", "n,,"}) == "");
  // The downgrade: the client could have bound and believes that we could not.
  CHECK(verdict(remuda, {"secret", "SCRAM-SHA-256", "y,,"}) == refused);
  CHECK(verdict(remuda, {"secret", kPlus, "n,,"}) == refused);
  CHECK(verdict(remuda, {"secret", kPlus, "y,,"}) == refused);
  CHECK(verdict(remuda, {"secret", kPlus, "p=tls-unique,,"}) == refused);
  CHECK(verdict(remuda, {"secret", "SCRAM-SHA-256", kBound}) == refused);
}

TEST_CASE("a client that could bind but is offered nothing to bind to") {
  Remuda remuda(ini_with("scram-sha-256"), users_with("plain"));
  RawClient client(remuda.port());
  client.send(startup({{"user", "keeper"}, {"database", "p0"}}));
  CHECK(scram_verdict(client, {"secret", "SCRAM-SHA-256", "y,,"}) == "");
}

TEST_CASE("a mechanism that was not offered") {
  Remuda remuda(ini_with("scram-sha-256"), users_with("plain"));
  RawClient client(remuda.port());
  client.send(startup({{"user", "keeper"}, {"database", "p0"}}));
  CHECK(scram_verdict(client, {"secret", kPlus, kBound, "x"}) ==
        "client selected an invalid SASL authentication mechanism");
}

TEST_CASE("a certificate whose signature has no digest offers no channel binding") {
  TempDir dir;
  const Authority authority(dir.path(), "own", KeyKind::ed25519);
  const auto own = authority.issue("own-server", {"localhost", {"DNS:localhost"}});
  Remuda remuda(ini_text(client_tls("require", own) + "auth_type = scram-sha-256",
                         "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n"),
                users_with("plain"));
  RawClient client(remuda.port());
  client.secure();
  CHECK(offered(client) == std::vector<std::string>{"SCRAM-SHA-256"});
}

TEST_CASE("libpq verifies us and binds, by a request and with an RSA certificate") {
  TempDir dir;
  const Authority authority(dir.path(), "own", KeyKind::rsa);
  const auto own = authority.issue("own-server", {"localhost", {"DNS:localhost"}, KeyKind::rsa});
  Remuda remuda(ini_text(client_tls("require", own) + "auth_type = scram-sha-256",
                         "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n"),
                users_with("scram-sha-256"));
  Address address = kBoundTls.address(remuda, "keeper", "secret");
  address.options += " sslrootcert=" + authority.file();
  CHECK(Pq(address).value("SELECT 1") == "1");
}

TEST_CASE("to servers: trust, password, md5, SCRAM with a plain secret") {
  struct Case {
    const char *user, *password;
  };
  const auto [user, password] = GENERATE(values<Case>({{"trust_user", ""},
                                                       {"plain_user", "plain-secret"},
                                                       {"md5_user", "md5-secret"},
                                                       {"scram_user", "scram-secret"}}));
  const Transport transport = GENERATE(Transport::tcp, Transport::unix_socket, Transport::tls);
  INFO(user << ", transport " << static_cast<int>(transport));
  {
    Remuda remuda(to_server(transport, user), one_user(user, password));
    Pq client = remuda.connect();
    CHECK(client.value("SELECT current_user") == user);
    CHECK(client.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") ==
          (transport == Transport::tls ? "t" : "f"));
    CHECK(client.value("SELECT inet_client_addr() IS NULL") ==
          (transport == Transport::unix_socket ? "t" : "f"));
  }
  if (std::string(user) == "trust_user") return;
  Remuda remuda(to_server(transport, user), one_user(user, "wrong"));
  CHECK(text_of_refusal(remuda.address()) ==
        std::string("28P01 password authentication failed for user \"") + user + "\"");
}

TEST_CASE("to servers: an md5 secret") {
  const Transport transport = GENERATE(Transport::tcp, Transport::unix_socket, Transport::tls);
  Remuda remuda(to_server(transport, "md5_user"),
                one_user("md5_user", secret_at_server("md5_user")));
  CHECK(remuda.connect().value("SELECT current_user") == "md5_user");
}

TEST_CASE("to servers: the keys of a client that has proved itself by SCRAM") {
  const Transport transport = GENERATE(Transport::tcp, Transport::unix_socket, Transport::tls);
  const Way way = GENERATE(kTcp, kUnix, kTls, kBoundTls);
  INFO(way.name << ", transport " << static_cast<int>(transport));
  const std::string mode = transport == Transport::tls ? "verify-full" : "disable";
  const std::string host = transport == Transport::unix_socket ? "{tls_dir}" : "localhost";
  Remuda remuda(ini_text(client_tls("allow") + server_tls(mode) + "auth_type = scram-sha-256",
                         "p0 = host=" + host + " port={tls_port}\n"),
                one_user("scram_user", secret_at_server("scram_user")));
  Pq client(way.address(remuda, "scram_user", "scram-secret"));
  CHECK(client.value("SELECT current_user") == "scram_user");
  // The keys outlive the server's connection.
  pq_error([&] { client.exec("SELECT pg_terminate_backend(pg_backend_pid())"); });
  Pq again(way.address(remuda, "scram_user", "scram-secret"));
  CHECK(again.value("SELECT current_user") == "scram_user");
  CHECK(text_of_refusal(way.address(remuda, "scram_user", "wrong")) ==
        "08P01 SASL authentication failed");
}

TEST_CASE("to servers: a certificate") {
  const auto& all = certificates();
  {
    Remuda remuda(to_server(Transport::tls, "cert_user", own_certificate(all.cert_user)));
    CHECK(remuda.connect().value("SELECT current_user") == "cert_user");
  }
  {
    const auto other = all.authority.issue("somebody", {"somebody"});
    Remuda remuda(to_server(Transport::tls, "cert_user", own_certificate(other)));
    CHECK(text_of_refusal(remuda.address()) ==
          "28000 certificate authentication failed for user \"cert_user\"");
  }
  Remuda remuda(to_server(Transport::tls, "cert_user"));
  CHECK(text_of_refusal(remuda.address()) ==
        "28000 connection requires a valid client certificate");
}

TEST_CASE("to servers: peer") {
  {
    Remuda remuda(to_server(Transport::unix_socket, "peer_user"));
    CHECK(remuda.connect().value("SELECT current_user") == "peer_user");
  }
  Remuda remuda(to_server(Transport::unix_socket, "tls_user"));
  CHECK(text_of_refusal(remuda.address()) ==
        "28000 Peer authentication failed for user \"tls_user\"");
}

TEST_CASE("to servers: users that only TLS, or only a connection in clear, may use") {
  const std::string users = one_user("tls_user", "tls-secret");
  {
    Remuda remuda(to_server(Transport::tls, "tls_user"), users);
    CHECK(remuda.connect().value("SELECT current_user") == "tls_user");
  }
  {
    Remuda remuda(to_server(Transport::tcp, "tls_user"), users);
    CHECK(text_of_refusal(remuda.address()).find("28000 pg_hba.conf rejects connection") == 0);
  }
  {
    Remuda remuda(to_server(Transport::tcp, "clear_user"));
    CHECK(remuda.connect().value("SELECT current_user") == "clear_user");
  }
  Remuda remuda(to_server(Transport::tls, "clear_user"));
  CHECK(text_of_refusal(remuda.address()).find("28000 pg_hba.conf rejects connection") == 0);
}

}  // namespace remuda::test::auth_matrix_test
