// Logins that an LDAP directory decides, slapd's.
#include "support/ldap_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

using namespace remuda::test;

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

std::string at(int port) {
  return "ldapserver=127.0.0.1 ldapport=" + std::to_string(port) + " ";
}

const std::string kBind = "ldapprefix=\"uid=\" ldapsuffix=\",ou=people,dc=example,dc=net\" ";
const std::string kSearch = "ldapbasedn=\"dc=example,dc=net\" ";
const std::string kBase = "dc=example,dc=net";

void check_alice(const Remuda& remuda) {
  CHECK(remuda.connect("p0", "alice", "alice-secret").value("SELECT current_user") == "trust_user");
  const PqError refused = remuda.refusal("p0", "alice", "wrong");
  CHECK(refused.message == kRefusal);
  CHECK(refused.sqlstate == "08P01");
  CHECK(remuda.refusal("p0", "nobody", "alice-secret").message == kRefusal);
}

// A port that takes connections and says nothing.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 16) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPort() { close(fd_); }
  int port() const { return port_; }
  // Waits for the next connection.
  int take() { return accept(fd_, nullptr, nullptr); }

 private:
  const int fd_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("LDAP: a bind at once, and a search first") {
  if (!can_test()) return;
  LdapServer ldap;
  const std::string url = "ldap://127.0.0.1:" + std::to_string(ldap.port()) + "/" + kBase;
  const std::string words = GENERATE_REF(values<std::string>({
      at(ldap.port()) + kBind,
      at(ldap.port()) + kSearch,
      at(ldap.port()) + kSearch + "ldapsearchattribute=uid",
      at(ldap.port()) + kSearch + "ldapsearchfilter=\"uid=$username\"",
      "ldapurl=\"" + url + "?uid?sub\"",
      "ldapurl=\"" + url + "??sub?(|(uid=$username)(mail=$username))\"",
      at(ldap.port()) + "\"ldapbasedn\"=" + "\"ou=people,dc=example,dc=net\" ,ldaptls=0",
  }));
  INFO(words);
  Remuda remuda(ini_with(words));
  check_alice(remuda);
}

TEST_CASE("LDAP: over TLS, by StartTLS and by ldaps, with a certificate that is verified") {
  if (!can_test()) return;
  LdapServer ldap;
  const std::string ldaps = "ldapscheme=ldaps " + at(ldap.tls_port());
  const std::string start_tls = "ldaptls=1 " + at(ldap.port());
  const std::string url = "ldaps://127.0.0.1:" + std::to_string(ldap.tls_port()) + "/" + kBase;
  const std::string words =
      GENERATE_REF(values<std::string>({ldaps + kBind, ldaps + kSearch, start_tls + kBind,
                                        start_tls + kSearch, "ldapurl=\"" + url + "?uid?sub\""}));
  INFO(words);
  {
    const LdapServer::Trusted trusted;
    Remuda remuda(ini_with(words));
    check_alice(remuda);
  }
  Remuda distrusting(ini_with(words));
  CHECK(distrusting.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: TLS with the wrong name, or at the wrong port") {
  if (!can_test()) return;
  LdapServer ldap;
  const LdapServer::Trusted trusted;
  const std::string port = std::to_string(ldap.port());
  const std::string tls_port = std::to_string(ldap.tls_port());
  const std::string words = GENERATE_REF(values<std::string>({
      "ldapserver=localhost ldapscheme=ldaps ldapport=" + tls_port + " " + kBind,
      "ldapserver=localhost ldaptls=1 ldapport=" + port + " " + kBind,
      at(ldap.port()) + kBind + "ldapscheme=ldaps",
      at(ldap.tls_port()) + kBind + "ldaptls=1",
  }));
  INFO(words);
  Remuda remuda(ini_with(words));
  CHECK(remuda.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: a search must find exactly one entry") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(at(ldap.port()) + kSearch));
  CHECK(remuda.refusal("p0", "twin", "twin-secret").message == kRefusal);
  Remuda narrow(ini_with(at(ldap.port()) + "ldapbasedn=\"ou=guests,dc=example,dc=net\""));
  CHECK(narrow.connect("p0", "twin", "twin-secret").value("SELECT 1") == "1");
  Remuda base_only(ini_with("ldapurl=\"ldap://127.0.0.1:" + std::to_string(ldap.port()) + "/" +
                            kBase + "?uid?one\""));
  CHECK(base_only.refusal("p0", "alice", "alice-secret").message == kRefusal);
}

TEST_CASE("LDAP: who searches may see more than others") {
  if (!can_test()) return;
  LdapServer ldap;
  const std::string searcher =
      at(ldap.port()) + kSearch + "ldapbinddn=\"cn=searcher,dc=example,dc=net\" ";
  Remuda anonymous(ini_with(at(ldap.port()) + kSearch));
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
      at(ldap.port()) + kSearch +
      "ldapbinddn=\"cn=searcher,dc=example,dc=net\" ldapbindpasswdfile=" + dir.file("secret")));
  CHECK(remuda.connect("p0", "hidden", "hidden-secret").value("SELECT 1") == "1");
  write_file(dir.file("secret"), "wrong\n");
  CHECK(remuda.refusal("p0", "hidden", "hidden-secret").message == kRefusal);
}

TEST_CASE("LDAP: names are names and nothing else") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda searching(ini_with(at(ldap.port()) + kSearch));
  for (const char* name :
       {"alic*", "*", "x)(uid=alice", "alice)(objectClass=*", "al\\69ce", "alice/"})
    CHECK(searching.refusal("p0", name, "alice-secret").message == kRefusal);
  Remuda binding(
      ini_with(at(ldap.port()) + "ldapprefix=\"uid=\" ldapsuffix=\",dc=example,dc=net\""));
  CHECK(binding.refusal("p0", "alice,ou=people", "alice-secret").message == kRefusal);
  CHECK(binding.wait_log("characters that are not allowed"));
}

TEST_CASE("LDAP: an empty password never passes, though the directory takes it") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(at(ldap.port()) + kBind));
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
  Remuda remuda(ini_text("auth_type = ldap\nauth_ldap_options = " + at(ldap.port()) + kSearch),
                "\"postgres\" \"x\"\n");
  CHECK(remuda.connect("p0", "plain_user", "plain-secret").value("SELECT current_user") ==
        "plain_user");
}

TEST_CASE("LDAP: no password gets into the log") {
  if (!can_test()) return;
  LdapServer ldap;
  Remuda remuda(ini_with(at(ldap.port()) + kSearch +
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
  const std::string rule = "host all alice 127.0.0.1/32 ldap " + at(ldap.port());
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
  SilentPort silent;
  TempDir dir;
  const std::string hba = dir.file("hba.conf");
  write_file(hba, "host all alice 127.0.0.1/32 ldap " + at(silent.port()) + kBind +
                      "\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n");
  Remuda remuda(ini_text("workers = 1\nauth_type = hba\nauth_hba_file = " + hba, kTrusted));
  RawClient waiting(remuda.port());
  waiting.send(startup({{"user", "alice"}, {"database", "p0"}}));
  waiting.expect('R');
  waiting.send(packet('p', cstr("alice-secret")));
  const int directory = silent.take();
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
