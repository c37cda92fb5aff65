// A directory of its own for a test: OpenLDAP's slapd with a handful of users, on free ports, as
// child_account(). Its certificate is for 127.0.0.1, not for localhost.
#pragma once

#include <memory>
#include <string>

#include "support/certificates.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace remuda::test {

// dc=example,dc=net has
//   uid=alice,ou=people          mail alice@example.net
//   uid=plain_user,ou=people     with the password that postgres() knows
//   uid=twin,ou=people           and another uid=twin,ou=guests
//   uid=hidden,ou=closed         below which only cn=searcher may search
//   cn=searcher
//   ou=elsewhere                 a referral to a server that is not there
// The others have their name and "-secret" for a password. An empty password is accepted for
// anybody, as directories do that take it for an anonymous bind.
class LdapServer {
 public:
  // Whether this machine has slapd and its schemas.
  static bool is_available();

  // Returns when it answers. Throws with its log when it does not come up.
  LdapServer();
  // Shows its log when the test has failed.
  ~LdapServer();

  int port() const { return port_; }
  int tls_port() const { return tls_port_; }
  // `text` with {ldap_port} and {ldaps_port} filled in.
  std::string filled(std::string text) const;
  std::string log() const { return read_file(dir_.file("slapd.log")); }

  // Makes libldap of programs started from now on trust the server's certificate.
  class Trusted {
   public:
    Trusted();
    ~Trusted();
    Trusted(const Trusted&) = delete;
    Trusted& operator=(const Trusted&) = delete;
  };

 private:
  TempDir dir_;
  const int port_ = free_port();
  const int tls_port_ = free_port();
  std::unique_ptr<Process> process_;
};

}  // namespace remuda::test
