// The one trampoline between libuv's C callbacks and our code. Nothing may be thrown through C
// frames: whatever escapes here is a bug, since tasks catch at their roots and the data plane never
// throws. It is logged and the process ends.
#pragma once

#include <utility>

namespace remuda::io {

// Logs the exception being handled, naming it as escaped, and aborts.
[[noreturn]] void escaped() noexcept;

template <class Body>
void guarded(Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
  } catch (...) {
    escaped();
  }
}

}  // namespace remuda::io
