// Options of TCP sockets that come from the configuration. Nothing is done to other sockets.
#pragma once

#include "remuda/base/time.h"

namespace remuda::io {

struct TcpOptions {
  bool keepalive = true;
  int keepalive_count = 0;     // 0 in all of these: the system's default
  int keepalive_idle = 0;      // seconds
  int keepalive_interval = 0;  // seconds
  int user_timeout = 0;        // milliseconds
  int socket_buffer = 0;       // bytes, each way
};

// Applies what can be applied to a TCP socket; failures are logged at debug level. What a listener
// has its connections inherit. A buffer must be set before a connection begins: made smaller than
// what the other side was promised, it loses segments.
void apply(const TcpOptions& options, int fd) noexcept;

}  // namespace remuda::io
