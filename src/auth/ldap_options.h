// What the ldap method is told: the words of auth_ldap_options, or of an HBA line behind "ldap".
// Parsing looks at nothing but the text. Plain values; any thread; the password wipes itself.
// PostgreSQL manual, LDAP Authentication; RFC 4516 for ldapurl.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remuda/wire/crypto.h"

namespace remuda::auth {

enum class LdapScope { base, one, sub };

struct LdapOptions {
  LdapOptions() = default;
  LdapOptions(const LdapOptions&) = default;
  LdapOptions& operator=(const LdapOptions&) = default;
  ~LdapOptions() { wire::wipe(bind_password); }

  // Searches for the name's entry below base_dn and binds as that; otherwise binds as
  // prefix + name + suffix.
  bool is_search() const noexcept { return base_dn.has_value(); }
  bool operator==(const LdapOptions&) const = default;

  std::vector<std::string> servers;  // host names or addresses; none: DNS SRV records of base_dn
  int port = 389;
  bool is_ldaps = false;
  bool use_start_tls = false;

  std::string prefix;
  std::string suffix;

  std::optional<std::string> base_dn;
  LdapScope scope = LdapScope::sub;
  std::string bind_dn;  // who searches; empty: anonymous
  std::string bind_password;
  std::string bind_password_file;  // read at every login, instead of bind_password
  std::string search_attribute = "uid";
  std::string search_filter;  // instead of search_attribute; $username stands for the name
};

using LdapWord = std::pair<std::string, std::string>;  // name and value, unquoted

// Words `name=value` separated by blanks or commas; either part may be in double quotes, in which
// "" is a quote. What is wrong is added to `faults`, each naming the word and what is allowed;
// nothing is returned then. Values of secrets are not named.
std::optional<LdapOptions> parse_ldap_options(std::string_view text,
                                              std::vector<std::string>& faults);
// The same for words that have been taken apart already.
std::optional<LdapOptions> parse_ldap_options(const std::vector<LdapWord>& words,
                                              std::vector<std::string>& faults);

// The filter to search a name's entry with. The name must be free of what filters are made of.
std::string ldap_filter(const LdapOptions& options, std::string_view user);

// Whether a name can stand in a filter, or in a distinguished name, as nothing but itself. Other
// names are refused instead of escaped, as in PgBouncer.
bool is_ldap_filter_name(std::string_view user) noexcept;
bool is_ldap_dn_name(std::string_view user) noexcept;

}  // namespace remuda::auth
