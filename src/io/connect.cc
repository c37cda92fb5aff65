#include "io/connect.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "io/deadline.h"
#include "io/guard.h"
#include "io/loop.h"
#include "io/task_scope.h"
#include "io/uv_ptr.h"
#include "io/waiter.h"

namespace remuda::io {
namespace {

constexpr Micros kRetry = 10 * kMillisecond;

FileDescriptor open_socket(const Address& address) {
  FileDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw SystemError(errno, "socket()");
  return fd;
}

// 0, or an errno value: EINPROGRESS when it is under way.
int begin(int fd, const Address& address) {
  while (::connect(fd, address.raw(), address.length()) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int outcome(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

Task<void> until_writable(Loop& loop, int fd, Deadline& deadline, TaskScope* scope) {
  Waiter<void> waiter(loop);
  const CloseLink link(scope, waiter);
  const Deadline::Aim aim(deadline, waiter);
  const auto poll = make_uv<uv_poll_t>(
      "uv_poll_init()", [&](uv_poll_t* uv) { return uv_poll_init(loop.raw(), uv, fd); });
  poll->data = &waiter;
  uv_poll_start(poll.get(), UV_WRITABLE, [](uv_poll_t* uv, int, int) {
    guarded([uv] { static_cast<Waiter<void>*>(uv->data)->set(); });
  });
  co_await waiter.wait();
}

Task<void> wait_before_retry(Loop& loop, Deadline& deadline, TaskScope* scope) {
  Waiter<void> waiter(loop);
  const CloseLink link(scope, waiter);
  const Deadline::Aim aim(deadline, waiter);
  Timer timer(loop);
  timer.start(kRetry, [&waiter] { waiter.set(); });
  co_await waiter.wait();
}

}  // namespace

Task<Stream> connect(Loop& loop, Address address, Micros timeout, TaskScope* scope,
                     TcpOptions options) {
  Deadline deadline(loop, timeout, "connect failed");
  co_return co_await connect(loop, address, deadline, scope, options);
}

Task<Stream> connect(Loop& loop, Address address, Deadline& deadline, TaskScope* scope,
                     TcpOptions options) {
  for (;;) {
    FileDescriptor fd = open_socket(address);
    apply(options, fd.get());
    int error = begin(fd.get(), address);
    if (error == EINPROGRESS) {
      co_await until_writable(loop, fd.get(), deadline, scope);
      error = outcome(fd.get());
    }
    if (error == 0) co_return Stream::adopt(loop, std::move(fd));
    // EAGAIN: the queue of a unix-domain listener is full, and nothing tells when it is not.
    if (error != EAGAIN) throw SystemError(error, "connect to " + address.text());
    co_await wait_before_retry(loop, deadline, scope);
  }
}

}  // namespace remuda::io
