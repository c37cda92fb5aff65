#include "io/tcp_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "support/catch.h"
#include "unit/io/sockets.h"

using namespace remuda::io;

namespace {

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, name, &value, &size);
  return value;
}

}  // namespace

TEST_CASE("TCP options are applied to TCP sockets", "[tcp_options]") {
  const auto pair = tcp_pair();
  TcpOptions options;
  options.keepalive_count = 4;
  options.keepalive_idle = 33;
  options.keepalive_interval = 22;
  options.user_timeout = 12345;
  options.socket_buffer = 20000;
  const int fd = pair.ours.get();
  apply(options, fd);
  CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 33);
  CHECK(option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 22);
  CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 12345);
  CHECK(option(fd, SOL_SOCKET, SO_SNDBUF) == 40000);  // the kernel doubles it
}

TEST_CASE("TCP options leave unix sockets alone", "[tcp_options]") {
  const auto pair = unix_pair();
  apply(TcpOptions(), pair.ours.get());
  CHECK(option(pair.ours.get(), SOL_SOCKET, SO_KEEPALIVE) == 0);
}
