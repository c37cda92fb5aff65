// What the service manager is told, as by sd_notify(3): one datagram to the socket that
// NOTIFY_SOCKET names. Nothing happens where that is not set. Control thread.
#pragma once

#include <string_view>

#include "io/timer.h"
#include "remuda/base/time.h"

namespace remuda::daemon {

// Lines of VAR=VALUE. Failures are logged, as the service can go on without.
void notify(std::string_view state);
// RELOADING=1 with the time it needs.
void notify_reloading();

// How often to say WATCHDOG=1: half of WATCHDOG_USEC; 0 if it is not set, or set for another
// process.
Micros watchdog_period();

// Says WATCHDOG=1 that often, from the control loop, while it lives.
class Watchdog {
 public:
  explicit Watchdog(io::Loop& loop) : timer_(loop) {}
  void start();
  void stop() { timer_.stop(); }

 private:
  io::Timer timer_;
};

}  // namespace remuda::daemon
