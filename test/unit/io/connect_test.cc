#include "io/connect.h"

#include <sys/socket.h>

#include <optional>
#include <string>
#include <vector>

#include "io/listener.h"
#include "io/loop.h"
#include "io/task_scope.h"
#include "support/catch.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io::connect_test {
namespace {

// A listener whose queue is full, so that further connections wait.
struct FullQueue {
  explicit FullQueue(const Address& where)
      : listening(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REMUDA_CHECK(::bind(listening.get(), where.raw(), where.length()) == 0);
    REMUDA_CHECK(::listen(listening.get(), 0) == 0);
    address = local_of(listening.get());
    for (;;) {
      FileDescriptor fd(::socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const int result = ::connect(fd.get(), address.raw(), address.length());
      waiting.push_back(std::move(fd));
      if (result != 0 && errno == EAGAIN) return;  // unix
      if (waiting.size() > 8) return;              // TCP: more than the queue holds
    }
  }
  FileDescriptor listening;
  Address address;
  std::vector<FileDescriptor> waiting;
};

Address nobody_there() {
  const FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address any = *Address::parse("127.0.0.1:0");
  REMUDA_CHECK(::bind(fd.get(), any.raw(), any.length()) == 0);
  return local_of(fd.get());
}

}  // namespace

TEST_CASE("connecting by TCP and by unix socket", "[connect]") {
  const TemporaryDirectory directory;
  Loop loop;
  const std::vector<Address> places{*Address::parse("127.0.0.1:0"),
                                    Address::unix_path(directory.path() + "/.s.PGSQL.1"),
                                    Address::unix_path("@" + directory.path())};
  for (const Address& place : places) {
    INFO(place.text());
    FileDescriptor accepted;
    std::optional<Address> peer;
    Listener listener(loop, place, ListenOptions(), [&](FileDescriptor fd, const Address& from) {
      accepted = std::move(fd);
      peer = from;
    });
    Stream stream = finish(loop, connect(loop, listener.address(), kSecond));
    run_until(loop, [&] { return accepted.get() >= 0; });
    CHECK(stream.write("hello") == WriteResult::done);
    CHECK(receive_now(accepted) == "hello");
    CHECK(stream.peer().address == listener.address());
    CHECK(stream.is_unix() == place.is_unix());
    if (!place.is_unix()) CHECK(*peer == stream.local());
  }
}

TEST_CASE("a refused connection says so", "[connect]") {
  Loop loop;
  const Address nobody = nobody_there();
  try {
    finish(loop, connect(loop, nobody, kSecond));
    FAIL("connected");
  } catch (const SystemError& error) {
    CHECK(error.code().value() == ECONNREFUSED);
    CHECK(std::string(error.what()).find("connect to " + nobody.text()) == 0);
  }
  const auto missing = Address::unix_path("/nonexistent/.s.PGSQL.1");
  CHECK_THROWS_AS(finish(loop, connect(loop, missing, kSecond)), SystemError);
}

TEST_CASE("a connection that takes too long times out", "[connect]") {
  Loop loop;
  const FullQueue tcp(*Address::parse("127.0.0.1:0"));
  CHECK_THROWS_WITH(finish(loop, connect(loop, tcp.address, 20 * kMillisecond)), "connect failed");
  const TemporaryDirectory directory;
  const FullQueue local(Address::unix_path(directory.path() + "/s"));
  CHECK_THROWS_AS(finish(loop, connect(loop, local.address, 20 * kMillisecond)), TimedOut);
}

TEST_CASE("a full unix queue is tried again", "[connect]") {
  Loop loop;
  const TemporaryDirectory directory;
  FullQueue full(Address::unix_path(directory.path() + "/s"));
  auto task = connect(loop, full.address, 20 * kSecond);
  CHECK(!task.is_done());
  while (::accept4(full.listening.get(), nullptr, nullptr, SOCK_CLOEXEC) >= 0) {
    if (full.waiting.size() <= 2) break;
    full.waiting.pop_back();
  }
  CHECK(finish(loop, std::move(task)).is_open());
}

TEST_CASE("a closing scope ends a connection attempt", "[connect]") {
  Loop loop;
  const FullQueue tcp(*Address::parse("127.0.0.1:0"));
  TaskScope scope(loop, "test");
  auto task = connect(loop, tcp.address, 0, &scope);
  CHECK(!task.is_done());
  scope.close();
  CHECK_THROWS_AS(finish(loop, std::move(task)), Closed);
}

}  // namespace remuda::io::connect_test
