#include "support/ldap_server.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "support/failures.h"
#include "support/wait.h"

namespace remuda::test {
namespace {

namespace fs = std::filesystem;

// {schema}, {dir}, {authority}, {cert} and {key} are filled in.
constexpr const char* kSlapdSettings = R"(include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
pidfile {dir}/slapd.pid
allow bind_anon_cred bind_anon_dn
TLSCACertificateFile {authority}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}

database ldif
directory {dir}/data
suffix "dc=example,dc=net"
rootdn "cn=manager,dc=example,dc=net"
access to attrs=userPassword by anonymous auth
access to dn.subtree="ou=closed,dc=example,dc=net"
  by dn.exact="cn=searcher,dc=example,dc=net" read
  by anonymous auth
access to * by * read
)";

constexpr const char* kEntries = R"(dn: dc=example,dc=net
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=net
objectClass: organizationalUnit
ou: people

dn: ou=guests,dc=example,dc=net
objectClass: organizationalUnit
ou: guests

dn: ou=closed,dc=example,dc=net
objectClass: organizationalUnit
ou: closed

dn: cn=searcher,dc=example,dc=net
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: searcher-secret

dn: ou=elsewhere,dc=example,dc=net
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:1/ou=elsewhere,dc=example,dc=net

)";

std::string person(const std::string& name, const std::string& unit, const std::string& password) {
  return "dn: uid=" + name + ",ou=" + unit +
         ",dc=example,dc=net\nobjectClass: inetOrgPerson\nuid: " + name + "\ncn: " + name +
         "\nsn: " + name + "\nmail: " + name + "@example.net\nuserPassword: " + password + "\n\n";
}

std::string first_existing(std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    if (fs::exists(path)) return path;
  }
  return "";
}

std::string find_slapd() {
  return first_existing({"/usr/sbin/slapd", "/usr/lib/openldap/slapd", "/usr/local/libexec/slapd"});
}

std::string find_schemas() {
  return fs::path(first_existing({"/etc/ldap/schema/inetorgperson.schema",
                                  "/etc/openldap/schema/inetorgperson.schema",
                                  "/usr/local/etc/openldap/schema/inetorgperson.schema"}))
      .parent_path();
}

std::string replaced(std::string text, const std::string& marker, const std::string& value) {
  for (auto at = text.find(marker); at != text.npos; at = text.find(marker, at + value.size()))
    text.replace(at, marker.size(), value);
  return text;
}

std::string settings(const std::string& dir) {
  const Authority& authority = certificates().authority;
  const CertificateFiles own = authority.issue("ldap", {"ldap", {"IP:127.0.0.1"}});
  std::string text = replaced(kSlapdSettings, "{schema}", find_schemas());
  text = replaced(text, "{authority}", authority.file());
  text = replaced(text, "{cert}", own.cert);
  text = replaced(text, "{key}", own.key);
  return replaced(text, "{dir}", dir);
}

}  // namespace

bool LdapServer::is_available() {
  return !find_slapd().empty() && !find_schemas().empty();
}

std::string LdapServer::filled(std::string text) const {
  text = replaced(text, "{ldap_port}", std::to_string(port_));
  return replaced(text, "{ldaps_port}", std::to_string(tls_port_));
}

LdapServer::LdapServer() {
  const std::string conf = dir_.file("slapd.conf");
  const std::string log_file = dir_.file("slapd.log");
  write_file(conf, settings(dir_.path()));
  write_file(dir_.file("entries.ldif"), kEntries + person("alice", "people", "alice-secret") +
                                            person("plain_user", "people", "plain-secret") +
                                            person("twin", "people", "twin-secret") +
                                            person("twin", "guests", "twin-secret") +
                                            person("hidden", "closed", "hidden-secret"));
  run({.argv = {"/bin/mkdir", dir_.file("data")}, .output = log_file});
  run({.argv = {find_slapd(), "-T", "add", "-f", conf, "-l", dir_.file("entries.ldif")},
       .output = log_file});
  const std::string urls = "ldap://127.0.0.1:" + std::to_string(port_) +
                           "/ ldaps://127.0.0.1:" + std::to_string(tls_port_) + "/";
  // A debug level keeps it in the foreground.
  process_ = std::make_unique<Process>(
      Command{.argv = {find_slapd(), "-d", "stats", "-f", conf, "-h", urls}, .output = log_file});
  const bool is_up = eventually(
      [&] { return !process_->running() || (is_listening(port_) && is_listening(tls_port_)); });
  if (!is_up || !process_->running()) throw std::runtime_error("slapd does not start:\n" + log());
}

LdapServer::~LdapServer() {
  if (has_test_failed()) {
    std::cerr << "----- slapd's log -----\n" << log() << "-----------------------\n";
  }
}

LdapServer::Trusted::Trusted() {
  setenv("LDAPTLS_CACERT", certificates().authority.file().c_str(), 1);
}

LdapServer::Trusted::~Trusted() {
  unsetenv("LDAPTLS_CACERT");
}

}  // namespace remuda::test
