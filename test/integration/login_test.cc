// How a client gets in: methods, secrets, refusals, addresses.
#include <unistd.h>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::login_test {
namespace {

// Every database is served by a user the server trusts, so that only the client's login is tested.
constexpr const char* kTrusted = "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n";

std::string ini_with(const std::string& auth_type) {
  return ini_text("auth_type = " + auth_type, kTrusted);
}

// What PostgreSQL itself stores for the password "secret" under the given encryption.
std::string stored_secret(const std::string& encryption) {
  Pq connection(postgres().address());
  connection.exec("BEGIN; SET LOCAL password_encryption = '" + encryption + "'");
  connection.exec("CREATE ROLE keeper PASSWORD 'secret'");
  const std::string secret =
      connection.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'keeper'");
  connection.exec("ROLLBACK");
  return secret;
}

// The user list with one user, keeper, whose password is "secret" in the given form.
std::string users_with(const std::string& form) {
  return "\"keeper\" \"" + (form == "plain" ? "secret" : stored_secret(form)) + "\"\n";
}

std::string parameter(const Pq& connection, const char* name) {
  const char* value = PQparameterStatus(connection.raw(), name);
  return value ? value : "(none)";
}

}  // namespace

TEST_CASE("a password is checked against every form of secret that fits the method") {
  struct Case {
    const char* method;
    const char* form;
    const char* failure;
  };
  const auto [method, form, failure] = GENERATE(values<Case>({
      {"plain", "plain", "password authentication failed"},
      {"plain", "md5", "password authentication failed"},
      {"plain", "scram-sha-256", "password authentication failed"},
      {"md5", "plain", "password authentication failed"},
      {"md5", "md5", "password authentication failed"},
      {"md5", "scram-sha-256", "SASL authentication failed"},
      {"scram-sha-256", "plain", "SASL authentication failed"},
      {"scram-sha-256", "scram-sha-256", "SASL authentication failed"},
  }));
  INFO("method " << method << ", secret " << form);
  Remuda remuda(ini_with(method), users_with(form));

  CHECK(remuda.connect("p0", "keeper", "secret").value("SELECT current_user") == "trust_user");
  const auto refused = remuda.refusal("p0", "keeper", "Secret");
  CHECK(refused.message == failure);
  CHECK(refused.sqlstate == "08P01");
}

TEST_CASE("an md5 secret never passes scram-sha-256") {
  Remuda remuda(ini_with("scram-sha-256"), users_with("md5"));
  CHECK(remuda.refusal("p0", "keeper", "secret").message == "SASL authentication failed");
}

TEST_CASE("an unknown user is refused like a wrong password") {
  Remuda plain(ini_with("plain"));
  CHECK(plain.refusal("p0", "nobody", "x").message == "password authentication failed");
  Remuda md5(ini_with("md5"));
  CHECK(md5.refusal("p0", "nobody", "x").message == "password authentication failed");
  Remuda scram(ini_with("scram-sha-256"));
  CHECK(scram.refusal("p0", "nobody", "x").message == "SASL authentication failed");
}

TEST_CASE("an unknown user's SCRAM exchange looks like a known one's, twice the same") {
  Remuda remuda(ini_with("scram-sha-256"));
  // Salt and iterations of the server's first message; the nonce before them is always new.
  const auto challenge = [&] {
    RawClient client(remuda.port());
    client.send(startup({{"user", "nobody"}, {"database", "p0"}}));
    client.expect('R');
    const std::string first = "n,,n=,r=abcdefgh";
    client.send(
        packet('p', cstr("SCRAM-SHA-256") + be32(static_cast<uint32_t>(first.size())) + first));
    const std::string answer = client.expect('R').body.substr(4);
    return answer.substr(answer.find(",s="));
  };
  const std::string once = challenge();
  CHECK(once.find(",i=4096") != std::string::npos);
  CHECK(challenge() == once);
}

TEST_CASE("trust lets known users in, and only them") {
  Remuda remuda;
  CHECK(remuda.connect("p0", "trust_user").value("SELECT 1") == "1");
  const auto refused = remuda.refusal("p0", "nobody");
  CHECK(refused.message == "\"trust\" authentication failed");
  CHECK(refused.sqlstate == "08P01");
}

TEST_CASE("settings in [users] make nobody known") {
  Remuda remuda(ini_text() + "\n[users]\nnobody = pool_size=3\n");
  CHECK(remuda.refusal("p0", "nobody").message == "\"trust\" authentication failed");
}

TEST_CASE("an empty secret never passes, and an empty password is refused") {
  Remuda remuda(ini_with("plain"), "\"keeper\" \"\"\n\"other\" \"secret\"\n");
  const auto log_in = [&](const std::string& user, const std::string& password) {
    RawClient client(remuda.port());
    client.send(startup({{"user", user}, {"database", "p0"}}));
    client.expect('R');
    client.send(packet('p', cstr(password)));
    return notice_fields(client.expect('E'))['M'];
  };
  CHECK(log_in("keeper", "x") == "password authentication failed");
  CHECK(log_in("other", "") == "empty password returned by client");
}

TEST_CASE("whether a database exists is told only to those who log in") {
  Remuda remuda(ini_with("scram-sha-256"));
  const auto known = remuda.refusal("nowhere", "scram_user", "scram-secret");
  CHECK(known.message == "no such database: nowhere");
  CHECK(known.sqlstate == "08P01");
  CHECK(remuda.refusal("nowhere", "scram_user", "wrong").message == "SASL authentication failed");
}

TEST_CASE("the database defaults to the user's name") {
  Remuda remuda(ini_text("", "trust_user = host=127.0.0.1 port={pg_port} dbname=p1\n"));
  RawClient client(remuda.port());
  client.send(startup({{"user", "trust_user"}}));
  client.read_until('Z');
  CHECK(client.value("SELECT current_database()") == "p1");
}

TEST_CASE("the fallback database serves names that are not listed") {
  Remuda remuda(ini_text("", "* = host=127.0.0.1 port={pg_port}\n"));
  CHECK(remuda.connect("p2").value("SELECT current_database()") == "p2");
}

TEST_CASE("a client over a unix socket") {
  Remuda remuda;
  Address address = remuda.address();
  address.host = remuda.dir();
  CHECK(Pq(address).value("SELECT 1") == "1");
}

TEST_CASE("a server over a unix socket") {
  Remuda remuda(ini_text("", "p0 = host={pg_dir} port={pg_port}\n"));
  CHECK(remuda.connect().value("SELECT inet_client_addr() IS NULL") == "t");
}

TEST_CASE("IPv4 and IPv6, for clients and for servers") {
  if (access("/proc/net/if_inet6", F_OK) != 0 || read_file("/proc/net/if_inet6").empty()) {
    WARN("no IPv6 here: only IPv4 is tested");
    Remuda remuda;
    CHECK(remuda.connect().value("SELECT 1") == "1");
    return;
  }
  Remuda remuda(ini_text("listen_addr = 127.0.0.1, ::1",
                         "p0 = host=127.0.0.1 port={pg_port}\np1 = host=::1 port={pg_port}\n"));
  for (const char* host : {"127.0.0.1", "::1"}) {
    for (const char* dbname : {"p0", "p1"}) {
      INFO(host << " to " << dbname);
      Address address = remuda.address(dbname);
      address.host = host;
      CHECK(Pq(address).value("SELECT current_database()") == dbname);
    }
  }
}

TEST_CASE("the login gives the server's parameters and the client's own") {
  Remuda remuda;
  Address address = remuda.address();
  address.options = "application_name='my app' options='-c timezone=Asia/Tokyo'";
  Pq through(address);
  Pq direct(postgres().address());
  for (const char* name : {"server_version", "server_encoding", "integer_datetimes"})
    CHECK(parameter(through, name) == parameter(direct, name));
  CHECK(parameter(through, "application_name") == "my app");
  CHECK(parameter(through, "TimeZone") == "Asia/Tokyo");
  CHECK(through.value("SHOW application_name") == "my app");
  CHECK(through.value("SHOW timezone") == "Asia/Tokyo");
}

TEST_CASE("every client has a key of its own") {
  Remuda remuda;
  RawClient one(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  CHECK(one.key().size() == 8);
  CHECK(one.key() != other.key());
}

TEST_CASE("an SSL or GSS request is declined and the login goes on") {
  Remuda remuda;
  RawClient client(remuda.port());
  for (const uint32_t code : {80877103u, 80877104u}) {
    client.send(untyped(be32(code)));
    CHECK(client.read_bytes(1) == "N");
  }
  client.login("postgres", "p0");
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("client_login_timeout ends a login that does not proceed") {
  Remuda remuda(ini_text("client_login_timeout = 0.3"));
  RawClient client(remuda.port());
  const auto messages = client.read_to_end();
  REQUIRE(types_of(messages) == "E");
  CHECK(notice_fields(messages[0])['M'] == "client_login_timeout");
}

TEST_CASE("client_login_timeout ends the wait for a server that does not answer") {
  FakeServer silent([](FakePeer& peer) { peer.hang(); });
  Remuda remuda(ini_text("client_login_timeout = 0.5",
                         "p0 = host=127.0.0.1 port=" + std::to_string(silent.port()) + "\n"));
  const auto refused = remuda.refusal("p0");
  CHECK(refused.message == "client_login_timeout (server down)");
  CHECK(refused.sqlstate == "08P01");
}

}  // namespace remuda::test::login_test
