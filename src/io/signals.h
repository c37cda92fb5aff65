// Signals as events of a loop. The control thread's.
#pragma once

#include <functional>

#include "io/uv_ptr.h"

namespace remuda::io {

class Loop;

// Calls back on the loop for each signal, once for several that arrive together. May be destroyed
// in its callback. Does not keep the loop running.
class SignalWatcher {
 public:
  using Callback = std::function<void()>;
  // Throws SystemError.
  SignalWatcher(Loop& loop, int signal, Callback callback);

 private:
  struct State : uv_signal_t {
    Callback callback;
  };
  UvPtr<State, uv_signal_t> state_;
};

}  // namespace remuda::io
