#include "io/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "remuda/base/log.h"
#include "support/catch.h"
#include "support/listening_socket.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io::listener_test {
namespace {

const Address kAnyPort = *Address::parse("127.0.0.1:0");

FileDescriptor dial(const Address& address) {
  FileDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.raw(), address.length()) != 0) fd.close();
  return fd;
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

// A socket file whose process has gone.
void leave_stale(const Address& address) {
  const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REMUDA_CHECK(::bind(fd.get(), address.raw(), address.length()) == 0);
  REMUDA_CHECK(::listen(fd.get(), 1) == 0);
}

struct Collector {
  std::vector<FileDescriptor> accepted;
  Listener::OnConnection callback() {
    return [this](FileDescriptor fd, const Address&) { accepted.push_back(std::move(fd)); };
  }
};

}  // namespace

TEST_CASE("connections are accepted in batches", "[listener]") {
  Loop loop;
  Collector collector;
  Listener listener(loop, kAnyPort, ListenOptions(), collector.callback());
  CHECK(listener.address().port() != 0);
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(dial(listener.address()));
  run_until(loop, [&] { return collector.accepted.size() >= 100; });
  CHECK(collector.accepted.size() == 100);
  const int fd = collector.accepted[0].get();
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("one wake-up accepts no more than a batch", "[listener]") {
  Loop loop;
  size_t accepted = 0;
  size_t in_turn = 0;
  size_t most_in_turn = 0;
  Micros turn = 0;
  Listener listener(loop, kAnyPort, ListenOptions(), [&](FileDescriptor, const Address&) {
    in_turn = loop.now() == turn ? in_turn + 1 : 1;
    turn = loop.now();
    most_in_turn = std::max(most_in_turn, in_turn);
    ++accepted;
  });
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(dial(listener.address()));
  run_until(loop, [&] { return accepted == 100; });
  CHECK(most_in_turn == Listener::kBatch);
}

TEST_CASE("an address in use is told by its text", "[listener]") {
  Loop loop;
  Collector collector;
  const Listener first(loop, kAnyPort, ListenOptions(), collector.callback());
  try {
    const Listener second(loop, first.address(), ListenOptions(), collector.callback());
    FAIL("listens twice");
  } catch (const SystemError& error) {
    CHECK(error.what() ==
          "cannot listen on " + first.address().text() + ": bind(): Address already in use");
  }
}

TEST_CASE("two may share a port if both say so", "[listener]") {
  Loop loop;
  Collector collector;
  ListenOptions options;
  options.reuse_port = true;
  options.defer_accept = true;
  Listener first(loop, kAnyPort, options, collector.callback());
  const Listener second(loop, first.address(), options, collector.callback());
  first.set_defer_accept(false);
  CHECK(first.address() == second.address());
}

TEST_CASE("a paused listener accepts nothing until it is resumed", "[listener]") {
  Loop loop;
  Collector collector;
  Listener listener(loop, kAnyPort, ListenOptions(), collector.callback());
  listener.pause();
  const FileDescriptor client = dial(listener.address());
  turn(loop);
  CHECK(collector.accepted.empty());
  listener.resume();
  run_until(loop, [&] { return collector.accepted.size() == 1; });
}

TEST_CASE("a listener may be destroyed in its callback", "[listener]") {
  Loop loop;
  std::unique_ptr<Listener> listener;
  int accepted = 0;
  const std::string kept(100, 'x');
  std::string seen;
  listener = std::make_unique<Listener>(loop, kAnyPort, ListenOptions(),
                                        [&, kept](FileDescriptor, const Address&) {
                                          ++accepted;
                                          listener.reset();
                                          seen = kept;
                                        });
  const Address address = listener->address();
  const FileDescriptor a = dial(address);
  const FileDescriptor b = dial(address);
  loop.run();
  CHECK(accepted == 1);
  CHECK(seen == kept);
}

TEST_CASE("a unix socket has its mode and goes with its listener", "[listener]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/.s.PGSQL.6432";
  Loop loop;
  Collector collector;
  ListenOptions options;
  options.unix_mode = 0770;
  options.unix_group = std::to_string(::getgid());
  {
    const Listener listener(loop, Address::unix_path(path), options, collector.callback());
    struct stat found {};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0770);
    const FileDescriptor client = dial(listener.address());
    run_until(loop, [&] { return collector.accepted.size() == 1; });
  }
  CHECK(!exists(path));
  options.unix_group = "no such group";
  CHECK_THROWS_AS(Listener(loop, Address::unix_path(path), options, collector.callback()),
                  SystemError);
  CHECK(!exists(path));
}

TEST_CASE("a stale unix socket is replaced", "[listener]") {
  const TemporaryDirectory directory;
  const auto address = Address::unix_path(directory.path() + "/.s.PGSQL.6432");
  leave_stale(address);
  Loop loop;
  Collector collector;
  check_unix_socket(address);
  const Listener listener(loop, address, ListenOptions(), collector.callback());
  CHECK(dial(address).get() >= 0);
}

TEST_CASE("a live unix socket is left alone", "[listener]") {
  const TemporaryDirectory directory;
  const auto address = Address::unix_path(directory.path() + "/.s.PGSQL.6432");
  Loop loop;
  Collector collector;
  const Listener first(loop, address, ListenOptions(), collector.callback());
  CHECK_THROWS_AS(check_unix_socket(address), SocketInUse);
  CHECK_THROWS_WITH(Listener(loop, address, ListenOptions(), collector.callback()),
                    "unix socket is in use, cannot continue");
  CHECK(dial(address).get() >= 0);
}

TEST_CASE("a lock file says that a port is in use", "[listener]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/.s.PGSQL.5432";
  std::ofstream(path + ".lock") << "1\n";
  CHECK_THROWS_WITH(check_unix_socket(Address::unix_path(path)), "unix port 5432 is in use");
}

TEST_CASE("a file that is no socket is not removed", "[listener]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/.s.PGSQL.6432";
  std::ofstream(path) << "precious";
  Loop loop;
  Collector collector;
  CHECK_THROWS_AS(Listener(loop, Address::unix_path(path), ListenOptions(), collector.callback()),
                  SystemError);
  CHECK(exists(path));
}

TEST_CASE("the socket file of a successor is not removed", "[listener]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/.s.PGSQL.6432";
  Loop loop;
  Collector collector;
  Listener first(loop, Address::unix_path(path), ListenOptions(), collector.callback());
  REMUDA_CHECK(::unlink(path.c_str()) == 0);
  leave_stale(Address::unix_path(path));
  first.close();
  CHECK(exists(path));
}

TEST_CASE("a listening socket is taken over", "[listener]") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/.s.PGSQL.6432";
  Loop loop;
  Collector collector;
  const test::ListeningSocket given(path);
  {
    const Listener listener(loop, FileDescriptor(::dup(given.fd())), ListenOptions(),
                            collector.callback());
    CHECK(listener.address().path() == path);
    const FileDescriptor client = dial(listener.address());
    run_until(loop, [&] { return collector.accepted.size() == 1; });
  }
  CHECK(exists(path));  // whoever made the file removes it
  CHECK_THROWS_AS(Listener(loop, FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0)), ListenOptions(),
                           collector.callback()),
                  SystemError);
}

namespace {

// What each has been sent, and whether its connection has then ended.
int count_refused(const std::vector<FileDescriptor>& clients, const std::string& refusal) {
  int count = 0;
  for (const FileDescriptor& client : clients) {
    bool ended = false;
    count += receive_now(client, &ended) == refusal && ended;
  }
  return count;
}

// In a child process: with no descriptors left those who come are told so at once, the loop does
// not spin, and after the pause others are served. Returns what went wrong, 0 for nothing.
int run_out_of_descriptors() {
  Loop loop;
  std::vector<FileDescriptor> accepted;
  ListenOptions options;
  options.refusal = "no room";
  options.pause = 100 * kMillisecond;
  Listener listener(loop, kAnyPort, options,
                    [&](FileDescriptor fd, const Address&) { accepted.push_back(std::move(fd)); });
  // A sanitizer that meets a type for the first time wants descriptors itself: so the log is opened
  // and one connection accepted while there are some.
  log::configure(log::Options());
  const FileDescriptor early = dial(listener.address());
  run_until(loop, [&] { return accepted.size() == 1; });
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(dial(listener.address()));
  FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<FileDescriptor> hoard;
  for (;;) {
    FileDescriptor fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  int turns = 0;
  uv_check_t counter;
  uv_check_init(loop.raw(), &counter);
  counter.data = &turns;
  uv_check_start(&counter, [](uv_check_t* check) { ++*static_cast<int*>(check->data); });
  Timer pause(loop);
  pause.start(50 * kMillisecond, [&] { loop.stop(); });
  loop.run();
  const int turns_in_pause = turns;
  uv_close(reinterpret_cast<uv_handle_t*>(&counter), nullptr);
  int wrong = 0;
  if (count_refused(clients, options.refusal) != 3) wrong = 1;
  if (accepted.size() != 1) wrong = 2;
  if (turns_in_pause > 10) wrong = 3;
  hoard.clear();
  const Address address = listener.address();
  if (::connect(late.get(), address.raw(), address.length()) != 0) wrong = 4;
  run_until(loop, [&] { return accepted.size() == 2; });
  listener.close();
  pause.stop();
  loop.run();
  return wrong;
}

}  // namespace

TEST_CASE("descriptors from a certain number on are not for connections", "[listener]") {
  Loop loop;
  Collector collector;
  ListenOptions options;
  options.refusal = "no room";
  options.pause = kMillisecond;
  // The client's own descriptor lies below, the listener's end of the connection above.
  std::vector<FileDescriptor> clients;
  clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  options.highest_fd = clients[0].get() + 1;
  Listener listener(loop, kAnyPort, options, collector.callback());
  const Address address = listener.address();
  REQUIRE(::connect(clients[0].get(), address.raw(), address.length()) == 0);
  int refused = 0;
  run_until(loop, [&] { return (refused += count_refused(clients, options.refusal)) == 1; });
  CHECK(collector.accepted.empty());
}

TEST_CASE("running out of descriptors pauses accepting without spinning", "[listener]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit few{40, 40};
    ::setrlimit(RLIMIT_NOFILE, &few);
    ::_exit(run_out_of_descriptors());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace remuda::io::listener_test
