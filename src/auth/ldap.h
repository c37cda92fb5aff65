// Asks an LDAP directory whether a password is right, on the thread pool. Certificates of servers
// are verified as the configuration of libldap says (ldap.conf). One login task.
// PostgreSQL manual, LDAP Authentication; RFC 4511, RFC 4513.
#pragma once

#include <string>

#include "auth/ldap_options.h"
#include "io/offload.h"
#include "io/task.h"

namespace remuda::auth {

#ifdef REMUDA_HAVE_LDAP
constexpr bool kHasLdap = true;
#else
constexpr bool kHasLdap = false;
#endif

// Whether the directory takes the password for the user. An answer of no, whatever the reason, is
// logged and comes after seconds at most: 3 s per step, 10 s in all. An empty password is never
// sent. Without libldap throws PgError "ldap is not supported by this build".
io::Task<bool> ldap_check(io::Loop& loop, io::OffloadLimit& limit, LdapOptions options,
                          std::string user, std::string password);

}  // namespace remuda::auth
