// The line of averages that is logged every stats_period. Control thread.
#pragma once

#include "admin/control.h"
#include "io/task.h"
#include "io/timer.h"
#include "proxy/stats.h"

namespace remuda::daemon {

class StatsLine {
 public:
  explicit StatsLine(admin::Control& control) : control_(control), timer_(control.loop()) {}

  // Begins, or goes on with another period.
  void start();
  void stop() { timer_.stop(); }

 private:
  io::Task<void> print();

  admin::Control& control_;
  io::Timer timer_;
  proxy::Stats last_;
  Micros last_time_ = 0;
  Micros period_ = 0;
};

}  // namespace remuda::daemon
