// The tcp_* settings, as new sockets on both sides get them. Pure.
#pragma once

#include "config/config.h"
#include "io/tcp_options.h"

namespace remuda::proxy {

inline io::TcpOptions tcp_options(const config::Config& config) {
  io::TcpOptions options;
  options.keepalive = config.tcp_keepalive;
  options.keepalive_count = config.tcp_keepcnt;
  options.keepalive_idle = config.tcp_keepidle;
  options.keepalive_interval = config.tcp_keepintvl;
  options.user_timeout = config.tcp_user_timeout;
  options.socket_buffer = config.tcp_socket_buffer;
  return options;
}

// Of a server whose host is checked. One that is gone without a word, such as by a cut cable, ends
// the waits for what it was asked too, unless the settings want something else: within ten seconds,
// where a system's own defaults are hours. A host that only is slow acknowledges what it gets.
inline io::TcpOptions checked_tcp_options(const config::Config& config) {
  io::TcpOptions options = tcp_options(config);
  const auto set = [](int& option, int value) { option = option == 0 ? value : option; };
  set(options.keepalive_idle, 5);
  set(options.keepalive_interval, 1);
  set(options.keepalive_count, 5);
  set(options.user_timeout, 10'000);
  return options;
}

}  // namespace remuda::proxy
