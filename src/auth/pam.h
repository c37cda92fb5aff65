// Asks PAM whether a password is right and the account may be used, on the thread pool. Every check
// has a handle of its own, which is what libpam asks of threads. One login task.
// Linux-PAM Application Developers' Guide.
#pragma once

#include <string>

#include "io/offload.h"
#include "io/task.h"

namespace remuda::auth {

#ifdef REMUDA_HAVE_PAM
constexpr bool kHasPam = true;
#else
constexpr bool kHasPam = false;
#endif

constexpr const char* kPamService = "pgbouncer";

constexpr Micros kMaxPamPause = 3 * kSecond;

// Whether PAM takes the password for the user; why not is logged. The pause that modules ask for
// after a failure is made on the loop, at most kMaxPamPause. Without libpam throws PgError "pam is
// not supported by this build".
io::Task<bool> pam_check(io::Loop& loop, io::OffloadLimit& limit, std::string service,
                         std::string user, std::string password, std::string remote_host);
// The same with service files from another directory than the system's.
io::Task<bool> pam_check(io::Loop& loop, io::OffloadLimit& limit, std::string service,
                         std::string user, std::string password, std::string remote_host,
                         std::string directory);

}  // namespace remuda::auth
