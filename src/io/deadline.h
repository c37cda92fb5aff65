// Deadline: while it lives, what a task waits for is interrupted with TimedOut once a time has
// passed. A local of the task; zero means no deadline and costs nothing.
//   Deadline deadline(loop, timeout, stream, "client_login_timeout");
//   auto n = co_await stream.read_some(buffer, size);   // may throw TimedOut
// An expired deadline stays so: whatever it is aimed at later is interrupted at once.
#pragma once

#include <string>

#include "io/interruptible.h"
#include "io/task.h"
#include "io/timer.h"
#include "remuda/base/time.h"

namespace remuda::io {

class TaskScope;

class Deadline {
 public:
  // `what` is the text of the TimedOut.
  Deadline(Loop& loop, Micros delay, std::string what = "timeout");
  Deadline(Loop& loop, Micros delay, Interruptible& target, std::string what = "timeout");
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  bool is_expired() const noexcept { return expired_; }
  // What it is aimed at throws `why` instead. Nothing happens while that is nothing.
  void interrupt(std::exception_ptr why) noexcept;
  // Starts anew; zero takes the deadline away.
  void reset(Micros delay);

  // While it lives the deadline is aimed at something else: for a step that waits elsewhere.
  class Aim {
   public:
    Aim(Deadline& deadline, Interruptible& target) noexcept;
    ~Aim() { deadline_.aim(before_); }
    Aim(const Aim&) = delete;
    Aim& operator=(const Aim&) = delete;

   private:
    Deadline& deadline_;
    Interruptible* before_;
  };

 private:
  void aim(Interruptible* target) noexcept;
  void expire() noexcept;

  Timer timer_;
  Interruptible* target_ = nullptr;
  std::string what_;
  bool expired_ = false;
};

// Waits. Throws Closed when the scope, if given, closes meanwhile.
Task<void> sleep_for(Loop& loop, Micros delay, TaskScope* scope = nullptr);

}  // namespace remuda::io
