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

}  // namespace remuda::proxy
