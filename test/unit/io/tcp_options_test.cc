#include "io/tcp_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/connect.h"
#include "io/listener.h"
#include "io/loop.h"
#include "support/catch.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io::tcp_options_test {
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

TEST_CASE("keepalive can be switched off", "[tcp_options]") {
  const auto pair = tcp_pair();
  TcpOptions options;
  apply(options, pair.ours.get());
  options.keepalive = false;
  apply(options, pair.ours.get());
  CHECK(option(pair.ours.get(), SOL_SOCKET, SO_KEEPALIVE) == 0);
}

TEST_CASE("both ends of a connection have their options when it begins", "[tcp_options]") {
  Loop loop;
  ListenOptions listening;
  listening.tcp.keepalive_idle = 44;
  FileDescriptor accepted;
  Listener listener(loop, *Address::numeric("127.0.0.1", 0), listening,
                    [&](FileDescriptor fd, const Address&) { accepted = std::move(fd); });
  TcpOptions ours;
  ours.socket_buffer = 20000;
  ours.keepalive = false;
  const auto meet = [&] {
    Stream stream = finish(loop, connect(loop, listener.address(), remuda::kSecond, nullptr, ours));
    run_until(loop, [&] { return accepted.get() >= 0; });
    return stream;
  };
  {
    const Stream stream = meet();
    CHECK(option(stream.fd(), SOL_SOCKET, SO_RCVBUF) == 40000);
    CHECK(option(stream.fd(), SOL_SOCKET, SO_KEEPALIVE) == 0);
    CHECK(option(accepted.get(), IPPROTO_TCP, TCP_KEEPIDLE) == 44);
    CHECK(option(accepted.get(), SOL_SOCKET, SO_KEEPALIVE) == 1);
  }
  accepted.close();
  listening.tcp.user_timeout = 777;
  listener.set_connection_options(listening.tcp);
  const Stream stream = meet();
  CHECK(option(accepted.get(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 777);
}

TEST_CASE("TCP options leave unix sockets alone", "[tcp_options]") {
  const auto pair = unix_pair();
  apply(TcpOptions(), pair.ours.get());
  CHECK(option(pair.ours.get(), SOL_SOCKET, SO_KEEPALIVE) == 0);
}

}  // namespace remuda::io::tcp_options_test
