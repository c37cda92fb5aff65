// Clients that prove themselves by a certificate, and users of the operating system (peer).
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/tls_settings.h"

namespace remuda::test::cert_auth_test {
namespace {

constexpr const char* kRefused = "08P01 certificate authentication failed";
constexpr const char* kTrusted = "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n";
constexpr const char* kUsers =
    "\"postgres\" \"x\"\n\"cert_user\" \"x\"\n\"alice\" \"x\"\n\"bob\" \"x\"\n";

std::string ini_by_cert(const std::string& mode = "verify-full") {
  return ini_text(client_tls(mode) + "auth_type = cert", kTrusted);
}

CertificateFiles issued(const CertificateRequest& request) {
  return certificates().authority.issue("issued", request);
}

// "in", or the refusal.
std::string outcome(const Address& address) {
  const PqError error = pq_error([&] { Pq(address).value("SELECT 1"); });
  return error.message == "no error" ? "in" : error.sqlstate + " " + error.message;
}

std::string outcome(const Remuda& remuda, const std::string& user, const CertificateFiles& own) {
  return outcome(tls_address(remuda, user, "", "verify-full", own));
}

// remuda by HBA rules and an ident file.
struct ByRules {
  TempDir dir;
  Remuda remuda;

  ByRules(const std::string& rules, const std::string& maps, const std::string& mode = "allow")
      : remuda(ini_text(client_tls(mode) + files(rules, maps), kTrusted), kUsers) {}

  std::string files(const std::string& rules, const std::string& maps) {
    write_file(dir.file("hba"), rules);
    write_file(dir.file("ident"), maps);
    return "auth_type = hba\nauth_hba_file = " + dir.file("hba") +
           "\nauth_ident_file = " + dir.file("ident") + "\n";
  }
};

std::string own_name() {
  const passwd* own = getpwuid(geteuid());
  if (!own) throw std::runtime_error("this process has no user name");
  return own->pw_name;
}

}  // namespace

TEST_CASE("auth_type cert: the common name is the user") {
  Remuda remuda(ini_by_cert(), kUsers);
  const auto& own = certificates().cert_user;
  CHECK(outcome(remuda, "cert_user", own) == "in");
  CHECK(outcome(remuda, "alice", own) == kRefused);
  CHECK(outcome(remuda, "alice", issued({"alice"})) == "in");
}

TEST_CASE("auth_type cert: a DNS name of the certificate is the user") {
  Remuda remuda(ini_by_cert(), kUsers);
  const auto own = issued({"somebody", {"DNS:alice", "DNS:bob"}});
  CHECK(outcome(remuda, "alice", own) == "in");
  CHECK(outcome(remuda, "bob", own) == "in");
  CHECK(outcome(remuda, "cert_user", own) == kRefused);
}

TEST_CASE("auth_type cert: no name stands for others") {
  Remuda remuda(ini_by_cert(), "\"postgres\" \"x\"\n\"db.alice\" \"x\"\n\"alice\" \"x\"\n");
  CHECK(outcome(remuda, "db.alice", issued({"*.alice"})) == kRefused);
  CHECK(outcome(remuda, "db.alice", issued({"x", {"DNS:*.alice"}})) == kRefused);
  CHECK(outcome(remuda, "alice", issued({"*"})) == kRefused);
  CHECK(outcome(remuda, "alice", issued({std::string("alice\0.example", 14)})) == kRefused);
  CHECK(outcome(remuda, "alice", issued({""})) == kRefused);
}

TEST_CASE("auth_type cert: a unix socket has no certificate") {
  Remuda remuda(ini_by_cert(), kUsers);
  CHECK(outcome(unix_address(remuda, "cert_user")) == kRefused);
}

TEST_CASE("auth_type cert: certificates that are no good, or missing") {
  Remuda remuda(ini_by_cert(), kUsers);
  CHECK(outcome(remuda, "cert_user", {}) != "in");
  CHECK(outcome(remuda, "cert_user", certificates().foreign_user) != "in");
  CHECK(outcome(remuda, "cert_user", certificates().expired_user) != "in");
  CHECK(outcome(remuda, "cert_user", certificates().cert_user) == "in");
}

TEST_CASE("auth_type cert: a resumed session is the same user and no other") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Remuda remuda(ini_by_cert(), kUsers);
  TlsChoices choices{.certificate = certificates().cert_user, .version = version};
  RawClient first(remuda.port());
  first.secure(choices);
  first.login("cert_user", "p0");
  const auto session = first.tls()->session();
  choices.resumed = session.get();

  RawClient again(remuda.port());
  again.secure(choices);
  again.login("cert_user", "p0");
  CHECK(again.value("SELECT 1") == "1");

  RawClient other(remuda.port());
  other.secure(choices);
  other.send(startup({{"user", "alice"}, {"database", "p0"}}));
  CHECK(notice_fields(other.expect('E'))['M'] == "certificate authentication failed");
}

TEST_CASE("auth_type cert needs verify-full and a CA file") {
  for (const char* mode : {"disable", "allow", "require", "verify-ca"}) {
    INFO(mode);
    const auto [code, output] = failed_start(ini_by_cert(mode));
    CHECK(code == 1);
    CHECK(output.find("client_tls_sslmode") != std::string::npos);
  }
  const auto [code, output] = failed_start(ini_by_cert() + "client_tls_ca_file =\n");
  CHECK(code == 1);
  CHECK(output.find("client_tls_ca_file") != std::string::npos);
}

TEST_CASE("HBA cert, also where TLS demands no certificate") {
  ByRules by("hostssl all all 127.0.0.1/32 cert\n", "",
             GENERATE("allow", "require", "verify-full"));
  CHECK(outcome(by.remuda, "cert_user", certificates().cert_user) == "in");
  CHECK(outcome(by.remuda, "alice", certificates().cert_user) == kRefused);
}

TEST_CASE("HBA cert without a certificate") {
  ByRules by("hostssl all all 127.0.0.1/32 cert\n", "");
  CHECK(outcome(by.remuda, "cert_user", {}) == kRefused);
}

TEST_CASE("HBA cert with an ident map") {
  ByRules by("hostssl all all 127.0.0.1/32 cert map=people\n",
             "people cert_user alice\npeople \"Robert B\" bob\nothers cert_user bob\n");
  CHECK(outcome(by.remuda, "alice", certificates().cert_user) == "in");
  CHECK(outcome(by.remuda, "bob", certificates().cert_user) == kRefused);
  CHECK(outcome(by.remuda, "bob", issued({"Robert B"})) == "in");
  // With a map, the name itself is not enough.
  CHECK(outcome(by.remuda, "cert_user", certificates().cert_user) == kRefused);
}

TEST_CASE("HBA cert with a map that gives everything to one") {
  ByRules by("hostssl all all 127.0.0.1/32 cert map=people\n", "people cert_user all\n");
  CHECK(outcome(by.remuda, "alice", certificates().cert_user) == "in");
  CHECK(outcome(by.remuda, "bob", certificates().cert_user) == "in");
  CHECK(outcome(by.remuda, "bob", issued({"bob"})) == kRefused);
}

TEST_CASE("HBA peer") {
  ByRules by("local all all peer\n", "");
  by.remuda.write_users("\"" + own_name() + "\" \"x\"\n\"alice\" \"x\"\n");
  by.remuda.signal(SIGHUP);
  CHECK(eventually([&] { return outcome(unix_address(by.remuda, own_name())) == "in"; }));
  CHECK(outcome(unix_address(by.remuda, "alice")) == "08P01 unix socket login rejected");
}

TEST_CASE("HBA peer with an ident map") {
  ByRules by("local all all peer map=people\n",
             "people " + own_name() + " alice\npeople nobody-else bob\n");
  CHECK(outcome(unix_address(by.remuda, "alice")) == "in");
  CHECK(outcome(unix_address(by.remuda, "bob")) == "08P01 unix socket login rejected");
}

TEST_CASE("the ident file is read again") {
  ByRules by("local all postgres trust\nlocal all all peer map=people\n",
             "people " + own_name() + " alice\n");
  CHECK(outcome(unix_address(by.remuda, "alice")) == "in");
  write_file(by.dir.file("ident"), "people " + own_name() + " bob\n");
  by.remuda.reload();
  CHECK(outcome(unix_address(by.remuda, "bob")) == "in");
  CHECK(outcome(unix_address(by.remuda, "alice")) == "08P01 unix socket login rejected");
}

}  // namespace remuda::test::cert_auth_test
