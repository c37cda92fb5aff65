// What the service manager is told, as by sd_notify(3): one datagram to the socket that
// NOTIFY_SOCKET names. Nothing happens where that is not set. Control thread.
#pragma once

#include <string_view>

#include "admin/control.h"
#include "io/task.h"
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

// Says WATCHDOG=1 that often, from the control loop, while every worker answers.
class Watchdog {
 public:
  explicit Watchdog(admin::Control& control) : control_(control), timer_(control.loop()) {}
  void start();
  void stop() { timer_.stop(); }

 private:
  io::Task<void> ask_all();

  admin::Control& control_;
  io::Timer timer_;
  bool is_asking_ = false;
};

}  // namespace remuda::daemon
