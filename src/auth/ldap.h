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

// How long a step, such as a bind, may take, and all servers together. Asking DNS is not counted,
// and a server with several addresses has the time of a step to connect to each.
struct LdapLimits {
  Micros step = 3 * kSecond;
  Micros all = 10 * kSecond;
};

// Whether the directory takes the password for the user. Why not is logged: trouble with a server
// counts as a no when no other server knows better. An empty password is never sent. Without
// libldap throws PgError "ldap is not supported by this build".
io::Task<bool> ldap_check(io::Loop& loop, io::OffloadLimit& limit, LdapOptions options,
                          std::string user, std::string password, LdapLimits limits = {});

}  // namespace remuda::auth
