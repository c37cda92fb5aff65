#include "auth/ldap_watch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace remuda::auth {

void LdapWatch::begin_step(Micros until) {
  const std::lock_guard lock(mutex_);
  until_ = until;
}

bool LdapWatch::watch(int socket) {
  forget();
  const std::lock_guard lock(mutex_);
  socket_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  return socket_ >= 0;
}

void LdapWatch::forget() {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

void LdapWatch::look(Micros now) {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0 && now > until_) shutdown(socket_, SHUT_RDWR);
}

}  // namespace remuda::auth
