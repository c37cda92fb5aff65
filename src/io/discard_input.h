// For the end of a connection. Any thread that has the socket.
#pragma once

#include <sys/socket.h>

namespace remuda::io {

// Reads away what has arrived so far: a TCP socket closed with input unread sends a reset, which
// can overtake what was written last. A peer that goes on sending has only itself to blame.
inline void discard_input(int fd) noexcept {
  constexpr int kMostReads = 16;
  char buffer[16 * 1024];
  for (int i = 0; i < kMostReads; ++i) {
    if (::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) <= 0) return;
  }
}

}  // namespace remuda::io
