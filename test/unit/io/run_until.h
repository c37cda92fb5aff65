// Driving a loop from a test: until a condition holds, or until a task has ended.
#pragma once

#include <functional>
#include <stdexcept>
#include <utility>

#include "io/loop.h"
#include "io/task.h"
#include "io/timer.h"
#include "remuda/base/time.h"

namespace remuda::io {

constexpr Micros kTestLimit = 30 * kSecond;

// Runs the loop until `holds`; throws when it does not within the limit.
inline void run_until(Loop& loop, const std::function<bool()>& holds) {
  if (holds()) return;
  const Micros limit = monotonic_now() + kTestLimit;
  bool timed_out = false;
  Timer tick(loop);
  tick.repeat(kMillisecond, [&] {
    timed_out = monotonic_now() > limit;
    if (holds() || timed_out) loop.stop();
  });
  loop.run();
  if (timed_out) throw std::runtime_error("the condition did not come true");
}

// Lets the loop go round so often: time enough for what is pending to happen, or not.
inline void turn(Loop& loop, int times = 20) {
  Timer next(loop);
  std::function<void()> again = [&] {
    if (--times > 0)
      next.start(0, again);
    else
      loop.stop();
  };
  next.start(0, again);
  loop.run();
}

// The task's result, or what it throws.
template <class T>
T finish(Loop& loop, Task<T> task) {
  run_until(loop, [&] { return task.is_done(); });
  return task.await_resume();
}

}  // namespace remuda::io
