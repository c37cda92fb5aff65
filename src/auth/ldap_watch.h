// libldap has no time limit for a TLS handshake, nor for the rest of a message once it has begun to
// come. So the loop looks on, and ends the socket of a step that takes too long, which libldap then
// reports as any other lost connection. One per login; the pool's thread and the loop's.
#pragma once

#include <mutex>

#include "remuda/base/time.h"

namespace remuda::auth {

class LdapWatch {
 public:
  LdapWatch() = default;
  ~LdapWatch() { forget(); }
  LdapWatch(const LdapWatch&) = delete;
  LdapWatch& operator=(const LdapWatch&) = delete;

  // ---- The thread that asks the directory ----

  // The step that begins may take until then.
  void begin_step(Micros until);
  // The socket in use from now on. A copy of it is kept: libldap closes its own at times unknown to
  // us, and the number may then be somebody else's. False if that is not possible.
  bool watch(int socket);
  void forget();

  // ---- The loop ----

  // Ends the socket if the step is late.
  void look(Micros now);

 private:
  std::mutex mutex_;
  int socket_ = -1;
  Micros until_ = 0;
};

}  // namespace remuda::auth
