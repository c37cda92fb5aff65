#include "io/signals.h"

#include <csignal>
#include <optional>
#include <thread>

#include "io/loop.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::signals_test {

TEST_CASE("a signal calls back on the loop", "[signals]") {
  Loop loop;
  int calls = 0;
  const SignalWatcher watcher(loop, SIGUSR1, [&] { ++calls; });
  loop.run();  // a watcher does not keep it going
  ::raise(SIGUSR1);
  CHECK(calls == 0);
  run_until(loop, [&] { return calls == 1; });
  ::raise(SIGUSR1);
  run_until(loop, [&] { return calls == 2; });
}

TEST_CASE("a watcher may be destroyed in its callback", "[signals]") {
  Loop loop;
  bool called = false;
  std::optional<SignalWatcher> watcher;
  watcher.emplace(loop, SIGUSR2, [&] {
    watcher.reset();
    called = true;
  });
  ::raise(SIGUSR2);
  run_until(loop, [&] { return called; });
  CHECK_THROWS_AS(SignalWatcher(loop, 1000, [] {}), SystemError);
}

TEST_CASE("a watched signal is blocked here and in the threads to come", "[signals]") {
  Loop loop;
  int calls = 0;
  const SignalWatcher watcher(loop, SIGUSR1, [&] { ++calls; });
  bool inherited = false;
  std::thread([&] {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    inherited = sigismember(&blocked, SIGUSR1) == 1;
  }).join();
  CHECK(inherited);
  // Two that arrive together: one call.
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  run_until(loop, [&] { return calls == 1; });
  loop.run();
  CHECK(calls == 1);
}

}  // namespace remuda::io::signals_test
