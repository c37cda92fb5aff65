// Logins that an LDAP directory decides, slapd's.
#include "support/ldap_server.h"

#include <signal.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/listening_socket.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::ldap_test {
namespace {

constexpr const char* kTrusted = "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n";
constexpr const char* kRefusal = "LDAP authentication failed";

std::string ini_with(const std::string& words) {
  return ini_text("auth_type = ldap\nauth_ldap_options = " + words, kTrusted);
}

// Why nothing can be tested here; empty if it can.
std::string find_obstacle() {
  if (!LdapServer::is_available()) return "no slapd here: LDAP is not tested";
  Remuda remuda(ini_with("ldapserver=127.0.0.1 ldapport=1 ldapprefix=x"));
  const bool is_built = remuda.refusal("p0", "alice", "x").message == kRefusal;
  return is_built ? "" : "remuda is built without LDAP: it is not tested";
}

bool can_test() {
  static const std::string obstacle = find_obstacle();
  if (!obstacle.empty()) WARN(obstacle);
  return obstacle.empty();
}

const std::string kLdap = "ldapserver=127.0.0.1 ldapport={ldap_port} ";
const std::string kLdaps = "ldapserver=127.0.0.1 ldapscheme=ldaps ldapport={ldaps_port} ";
const std::string kUrl = "ldapurl=\"ldap://127.0.0.1:{ldap_port}/dc=example,dc=net";
const std::string kLdapsUrl = "ldapurl=\"ldaps://127.0.0.1:{ldaps_port}/dc=example,dc=net";
const std::string kBind = "ldapprefix=\"uid=\" ldapsuffix=\",ou=people,dc=example,dc=net\" ";
const std::string kSearch = "ldapbasedn=\"dc=example,dc=net\" ";

void check_alice(const Remuda& remuda) {
  CHECK(remuda.connect("p0", "alice", "alice-secret").value("SELECT current_user") == "trust_user");
  const PqError refused = remuda.refusal("p0", "alice", "wrong");
  CHECK(refused.message == kRefusal);
  CHECK(refused.sqlstate == "08P01");
  CHECK(remuda.refusal("p0", "nobody", "alice-secret").message == kRefusal);
}

}  // namespace

TEST_CASE("LDAP: a bind at once, and a search first") {
  if (!can_test()) return;
  const std::string words = GENERATE(values<std::string>({
      kLdap + kBind,
      kLdap + kSearch,
      kLdap + kSearch + "ldapsearchattribute=uid",
      kLdap + kSearch + "ldapsearchfilter=\"uid=$username\"",
      kUrl + "?uid?sub\"",
      kUrl + "??sub?(|(uid=$username)(mail=$username))\"",
      kLdap + "\"ldapbasedn\"=\"ou=people,dc=example,dc=net\" ,ldaptls=0",
  }));
  INFO(words);
  LdapServer ldap;
  Remuda remuda(ini_with(ldap.filled(words)));
  check_alice(remuda);
}

TEST_CASE("LDAP: over TLS, by StartTLS and by ldaps, with a certificate that is verified") {
  if (!can_test()) return;
  const std::string words =
      GENERATE(values<std::string>({kLdaps + kBind, kLdaps + kSearch, kLdap + "ldaptls=1 " + kBind,
                                    kLdap + "ldaptls=1 " + kSearch, kLdapsUrl + "?uid?sub\""}));
  INFO(words);
  LdapServer ldap;
  {
    const LdapServer::Trusted trusted;
    Remuda remuda(ini_with(ldap.filled(words)));
    check_alice(remuda);
  }
  Remuda distrusting(ini_with(ldap.filled(words)));
  CHECK(distrusting.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: TLS with the wrong name, or at the wrong port") {
  if (!can_test()) return;
  const std::string words = GENERATE(values<std::string>({
      "ldapserver=localhost ldapscheme=ldaps ldapport={ldaps_port} ",
      "ldapserver=localhost ldaptls=1 ldapport={ldap_port} ",
      "ldapserver=127.0.0.1 ldapscheme=ldaps ldapport={ldap_port} ",
      "ldapserver=127.0.0.1 ldaptls=1 ldapport={ldaps_port} ",
  }));
  INFO(words);
  LdapServer ldap;
  const LdapServer::Trusted trusted;
  Remuda remuda(ini_with(ldap.filled(words + kBind)));
  CHECK(remuda.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: a search must find exactly one entry") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(ldap.filled(kLdap) + kSearch));
  CHECK(remuda.refusal("p0", "twin", "twin-secret").message == kRefusal);
  Remuda narrow(ini_with(ldap.filled(kLdap) + "ldapbasedn=\"ou=guests,dc=example,dc=net\""));
  CHECK(narrow.connect("p0", "twin", "twin-secret").value("SELECT 1") == "1");
  Remuda base_only(ini_with(ldap.filled(kUrl + "?uid?one\"")));
  CHECK(base_only.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: who searches may see more than others") {
  if (!can_test()) return;
  LdapServer ldap;
  const std::string searcher =
      ldap.filled(kLdap) + kSearch + "ldapbinddn=\"cn=searcher,dc=example,dc=net\" ";
  Remuda anonymous(ini_with(ldap.filled(kLdap) + kSearch));
  CHECK(anonymous.refusal("p0", "hidden", "hidden-secret").message == kRefusal);

  Remuda known(ini_with(searcher + "ldapbindpasswd=\"searcher-secret\""));
  CHECK(known.connect("p0", "hidden", "hidden-secret").value("SELECT 1") == "1");
  Remuda wrong(ini_with(searcher + "ldapbindpasswd=wrong"));
  CHECK(wrong.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: the password to search with may be in a file, and change there") {
  if (!can_test()) return;
  LdapServer ldap;
  TempDir dir;
  write_file(dir.file("secret"), "searcher-secret\n");
  Remuda remuda(ini_with(
      ldap.filled(kLdap) + kSearch +
      "ldapbinddn=\"cn=searcher,dc=example,dc=net\" ldapbindpasswdfile=" + dir.file("secret")));
  CHECK(remuda.connect("p0", "hidden", "hidden-secret").value("SELECT 1") == "1");
  write_file(dir.file("secret"), "wrong\n");
  CHECK(remuda.refusal("p0", "hidden", "hidden-secret").message == kRefusal);
}

TEST_CASE("LDAP: names are names and nothing else") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda searching(ini_with(ldap.filled(kLdap) + kSearch));
  for (const char* name :
       {"alic*", "*", "x)(uid=alice", "alice)(objectClass=*", "al\\69ce", "alice/"})
    CHECK(searching.refusal("p0", name, "alice-secret").message == kRefusal);
  Remuda binding(
      ini_with(ldap.filled(kLdap) + "ldapprefix=\"uid=\" ldapsuffix=\",dc=example,dc=net\""));
  CHECK(binding.refusal("p0", "alice,ou=people", "alice-secret").message == kRefusal);
  CHECK(binding.wait_log("characters that are not allowed"));
}

TEST_CASE("LDAP: an empty password never passes, though the directory takes it") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(ldap.filled(kLdap) + kBind));
  RawClient client(remuda.port());
  client.send(startup({{"user", "alice"}, {"database", "p0"}}));
  client.expect('R');
  client.send(packet('p', cstr("")));
  CHECK(notice_fields(client.expect('E'))['M'] == "empty password returned by client");
}

TEST_CASE("LDAP: servers that are not there are passed over") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(
      "ldapserver=\"127.0.0.2 127.0.0.1\" ldapport=" + std::to_string(ldap.port()) + " " + kBind));
  check_alice(remuda);
}

TEST_CASE("LDAP: the client's password is used towards the server") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_text("auth_type = ldap\nauth_ldap_options = " + ldap.filled(kLdap) + kSearch),
                "\"postgres\" \"x\"\n");
  CHECK(remuda.connect("p0", "plain_user", "plain-secret").value("SELECT current_user") ==
        "plain_user");
}

TEST_CASE("LDAP: no password gets into the log") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(ldap.filled(kLdap) + kSearch +
                         "ldapbinddn=\"cn=searcher,dc=example,dc=net\" "
                         "ldapbindpasswd=searcher-secret") +
                "verbose = 2\n");
  check_alice(remuda);
  CHECK(remuda.refusal("p0", "alice", "not-her-secret").message == kRefusal);
  remuda.signal(SIGQUIT);
  CHECK(remuda.wait_exit());
  CHECK(remuda.log().find("-secret") == std::string::npos);
}

TEST_CASE("LDAP: a rule of the HBA file, and a reload that changes it") {
  if (!can_test()) return;
  LdapServer ldap;
  TempDir dir;
  const std::string hba = dir.file("hba.conf");
  const std::string rule = "host all alice,nobody 127.0.0.1/32 ldap " + ldap.filled(kLdap);
  const std::string others = "\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n";
  write_file(hba, rule + kBind + others);
  Remuda remuda(ini_text("auth_type = hba\nauth_hba_file = " + hba, kTrusted));
  check_alice(remuda);
  CHECK(remuda.connect("p0", "postgres").value("SELECT 1") == "1");

  write_file(hba, rule + "ldapbasedn=\"ou=guests,dc=example,dc=net\"" + others);
  remuda.reload();
  CHECK(remuda.refusal("p0", "alice", "alice-secret").message == kRefusal);
  write_file(hba, rule + kSearch + ",\"ldapsearchfilter\"=\"mail=$username\"" + others);
  remuda.reload();
  CHECK(remuda.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: a directory that is slow to answer delays nobody else") {
  if (!can_test()) return;
  const ListeningSocket silent;
  TempDir dir;
  const std::string hba = dir.file("hba.conf");
  const std::string server = "ldapserver=127.0.0.1 ldapport=" + std::to_string(silent.port()) + " ";
  write_file(hba, "host all alice 127.0.0.1/32 ldap " + server + kBind +
                      "\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n");
  Remuda remuda(ini_text("workers = 1\nauth_type = hba\nauth_hba_file = " + hba, kTrusted));
  RawClient waiting(remuda.port());
  waiting.send(startup({{"user", "alice"}, {"database", "p0"}}));
  waiting.expect('R');
  waiting.send(packet('p', cstr("alice-secret")));
  const int directory = silent.accept();
  REQUIRE(directory >= 0);
  // The directory has the question; it gets no answer before the other client has its own.
  CHECK(remuda.connect("p0", "postgres").value("SELECT 1") == "1");
  const std::string invalid_credentials("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00",
                                        14);
  CHECK(write(directory, invalid_credentials.data(), invalid_credentials.size()) == 14);
  CHECK(notice_fields(waiting.expect('E'))['M'] == kRefusal);
  close(directory);
}

TEST_CASE("LDAP: options that cannot be are refused at the start, without the password") {
  if (!can_test()) return;
  const auto outcome = failed_start(
      ini_with("ldapserver=h ldapbasedn=dc=net ldapbindpasswd=searcher-secret ldapprefix=x"));
  CHECK(outcome.code == 1);
  CHECK(outcome.output.find("ldapbasedn is for searching") != std::string::npos);
  CHECK(outcome.output.find("searcher-secret") == std::string::npos);
}

}  // namespace remuda::test::ldap_test
