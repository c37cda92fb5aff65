// Wakes a loop from other threads: an eventfd that the loop watches. (Not uv_async_t: its receiver
// spins until the sender has returned, and a sender of low priority whom the receiver has just
// displaced from the core does not return for long.)
#pragma once

#include <uv.h>

#include <functional>

#include "io/file_descriptor.h"
#include "io/uv_ptr.h"

namespace remuda::io {

class Loop;

class Bell {
 public:
  using Callback = std::function<void()>;

  // The callback runs on the loop after one or more rings. An open bell keeps its loop running.
  // Throws SystemError.
  Bell(Loop& loop, Callback callback);
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // Any thread, for as long as the bell exists; nobody hears a closed one.
  void ring() noexcept;

  // Loop thread, as is all below. Idempotent.
  void close() noexcept { state_.reset(); }
  bool is_open() const noexcept { return state_ != nullptr; }
  // Whether the loop goes on for this bell alone.
  void keep_loop_running(bool keep) noexcept;

 private:
  struct State : uv_poll_t {
    Callback callback;
    int fd = -1;
  };
  static void on_ring(uv_poll_t* uv, int status, int events) noexcept;

  FileDescriptor fd_;
  UvPtr<State, uv_poll_t> state_;
};

}  // namespace remuda::io
