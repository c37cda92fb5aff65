// Signals as events of a loop. The control thread's.
#pragma once

#include <uv.h>

#include <functional>

#include "io/file_descriptor.h"
#include "io/uv_ptr.h"

namespace remuda::io {

class Loop;

// Calls back on the loop for each signal, once for several that arrive together. May be destroyed
// in its callback. Does not keep the loop running.
//
// The signal is blocked in the calling thread from then on and read from a descriptor, so that
// nothing runs in the middle of anything and no system call of any thread is interrupted. To be
// made before the process starts threads, which inherit the mask: one that had the signal open
// would be ended by it.
class SignalWatcher {
 public:
  using Callback = std::function<void()>;
  // Throws SystemError.
  SignalWatcher(Loop& loop, int signal, Callback callback);

 private:
  struct State : uv_poll_t {
    FileDescriptor fd;
    Callback callback;
  };
  static void on_readable(uv_poll_t* uv, int status, int events) noexcept;

  UvPtr<State, uv_poll_t> state_;
};

}  // namespace remuda::io
