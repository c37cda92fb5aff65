// A timer with a callback, for tasks and housekeeping (a uv_timer_t is 152 bytes: clients have
// none). Resolution is a millisecond, rounded up. May be stopped, restarted or destroyed in its own
// callback. Loop thread only.
#pragma once

#include <functional>

#include "io/uv_ptr.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Loop;

class Timer {
 public:
  using Callback = std::function<void()>;

  explicit Timer(Loop& loop) noexcept : loop_(&loop) {}

  // Calls once, `delay` from now; replaces what was set before.
  void start(Micros delay, Callback callback);
  // Calls every `period`, first after one period.
  void repeat(Micros period, Callback callback);
  void stop() noexcept;
  bool is_active() const noexcept;

 private:
  struct State : uv_timer_t {
    Callback callback;
  };
  void arm(Micros delay, Micros period, Callback callback);
  static void on_tick(uv_timer_t* uv) noexcept;

  Loop* loop_;
  UvPtr<State, uv_timer_t> state_;  // made by the first start
};

}  // namespace remuda::io
