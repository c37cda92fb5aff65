#include "io/tcp_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "remuda/base/log.h"

namespace remuda::io {
namespace {

void set(int fd, int level, int option, int value, const char* name) noexcept {
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return;
  log::debug("setsockopt({}): {}", name, std::strerror(errno));
}

bool is_tcp(int fd) noexcept {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX;
}

}  // namespace

void apply(const TcpOptions& options, int fd) noexcept {
  if (!is_tcp(fd)) return;
  set(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive ? 1 : 0, "SO_KEEPALIVE");
  if (options.keepalive) {
    if (options.keepalive_count > 0) {
      set(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_count, "TCP_KEEPCNT");
    }
    if (options.keepalive_idle > 0) {
      set(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle, "TCP_KEEPIDLE");
    }
    if (options.keepalive_interval > 0) {
      set(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval, "TCP_KEEPINTVL");
    }
  }
  if (options.user_timeout > 0) {
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout, "TCP_USER_TIMEOUT");
  }
  if (options.socket_buffer > 0) {
    set(fd, SOL_SOCKET, SO_SNDBUF, options.socket_buffer, "SO_SNDBUF");
    set(fd, SOL_SOCKET, SO_RCVBUF, options.socket_buffer, "SO_RCVBUF");
  }
}

}  // namespace remuda::io
