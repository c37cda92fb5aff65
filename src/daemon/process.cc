#include "daemon/process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

void fork_and_leave() {
  const pid_t child = ::fork();
  if (child < 0) throw SystemError(errno, "fork");
  if (child > 0) ::_exit(0);
}

}  // namespace

void switch_user(const std::string& name) {
  if (name.empty()) return;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) throw PgError("could not find user '" + name + "' to switch to");
  if (::getuid() == entry->pw_uid) return;
  if (::initgroups(entry->pw_name, entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
      ::setuid(entry->pw_uid) != 0) {
    throw SystemError(errno, "could not become user '" + name + "'");
  }
}

void go_to_background() {
  fork_and_leave();
  if (::setsid() < 0) throw SystemError(errno, "setsid");
  fork_and_leave();
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) throw SystemError(errno, "/dev/null");
  for (int fd : {0, 1, 2}) ::dup2(null, fd);
  if (null > 2) ::close(null);
}

void raise_descriptor_limit(int max_client_conn, long expected) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  log::info(
      "kernel file descriptor limit: {} (hard: {}); max_client_conn: {}, max expected fd use: {}",
      before, limit.rlim_max, max_client_conn, expected);
  if (expected > static_cast<long>(limit.rlim_max)) {
    log::warning(
        "the limit of {} open files is below what the configuration may need: raise it "
        "(LimitNOFILE of the unit, ulimit -n) or lower max_client_conn",
        limit.rlim_max);
  }
}

}  // namespace remuda::daemon
