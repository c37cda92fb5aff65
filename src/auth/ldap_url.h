// An ldapurl taken apart: ldap[s]://host:port/basedn?attribute?scope?filter. Pure; any thread.
// RFC 4516; PostgreSQL manual, LDAP Authentication.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace remuda::auth {

// Texts as they stand in the URL, unescaped; empty where it says nothing.
struct LdapUrl {
  std::string scheme;  // ldap or ldaps
  std::string host;    // without the brackets of an IPv6 address
  std::string port;
  std::optional<std::string> base_dn;  // nothing: the URL ends behind host and port
  std::string attribute;               // the first, if there are several
  std::string scope;
  std::string filter;
};

// False if it is none; `fault` then says what is wrong and what is allowed.
bool parse_ldap_url(std::string_view text, LdapUrl& url, std::string& fault);

}  // namespace remuda::auth
