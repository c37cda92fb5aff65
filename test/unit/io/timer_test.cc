#include "io/timer.h"

#include <memory>
#include <string>

#include "io/deadline.h"
#include "io/waiter.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::timer_test {

TEST_CASE("a timer calls once, not before its time", "[timer]") {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  const Micros begin = monotonic_now();
  timer.start(20 * kMillisecond, [&] { ++calls; });
  CHECK(timer.is_active());
  loop.run();
  CHECK(calls == 1);
  CHECK(!timer.is_active());
  CHECK(monotonic_now() - begin >= 19 * kMillisecond);
}

TEST_CASE("a repeating timer stops in its own callback", "[timer]") {
  Loop loop;
  Timer timer(loop);
  int calls = 0;
  timer.repeat(kMillisecond, [&] {
    if (++calls == 3) timer.stop();
  });
  loop.run();
  CHECK(calls == 3);
}

TEST_CASE("a timer may be restarted and destroyed in its callback", "[timer]") {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop);
  const std::string kept(100, 'x');
  std::string seen;
  timer->start(0, [&, kept] {
    timer->start(0, [&, kept] {
      timer.reset();
      seen = kept;
    });
  });
  loop.run();
  CHECK(seen == kept);
}

TEST_CASE("a stopped or destroyed timer does not call", "[timer]") {
  Loop loop;
  bool called = false;
  {
    Timer destroyed(loop);
    destroyed.start(0, [&] { called = true; });
  }
  Timer stopped(loop);
  stopped.stop();
  stopped.start(0, [&] { called = true; });
  stopped.stop();
  loop.run();
  CHECK(!called);
}

namespace {

Task<void> waits(Waiter<void>& waiter) {
  co_await waiter.wait();
}

Task<std::string> waits_twice(Loop& loop) {
  Waiter<void> outer(loop);
  Deadline deadline(loop, kMillisecond, outer, "too slow");
  std::string seen;
  try {
    Waiter<void> inner(loop);
    const Deadline::Aim aim(deadline, inner);
    co_await inner.wait();
  } catch (const TimedOut& error) {
    seen = error.what();
  }
  // Back at its first target, the deadline has passed still.
  try {
    co_await outer.wait();
  } catch (const TimedOut&) {
    seen += ", twice";
  }
  co_return seen;
}

}  // namespace

TEST_CASE("a deadline interrupts what it is aimed at", "[deadline]") {
  Loop loop;
  Waiter<void> waiter(loop);
  const Deadline deadline(loop, kMillisecond, waiter, "query_wait_timeout");
  CHECK_THROWS_WITH(finish(loop, waits(waiter)), "query_wait_timeout");
  CHECK(deadline.is_expired());
}

TEST_CASE("a deadline of zero is none", "[deadline]") {
  Loop loop;
  Waiter<void> waiter(loop);
  const Deadline deadline(loop, 0, waiter);
  auto task = waits(waiter);
  loop.run();  // nothing keeps it going
  CHECK(!task.is_done());
  CHECK(!deadline.is_expired());
  waiter.set();
  finish(loop, std::move(task));
}

TEST_CASE("a deadline that is gone does not interrupt", "[deadline]") {
  Loop loop;
  Waiter<void> waiter(loop);
  { const Deadline deadline(loop, kMillisecond, waiter); }
  auto task = waits(waiter);
  finish(loop, sleep_for(loop, 5 * kMillisecond));
  CHECK(!task.is_done());
  waiter.set();
  finish(loop, std::move(task));
}

TEST_CASE("an expired deadline interrupts later targets at once", "[deadline]") {
  Loop loop;
  CHECK(finish(loop, waits_twice(loop)) == "too slow, twice");
}

TEST_CASE("a deadline can start anew", "[deadline]") {
  Loop loop;
  Waiter<void> waiter(loop);
  Deadline deadline(loop, kMillisecond, waiter);
  deadline.reset(0);
  auto task = waits(waiter);
  finish(loop, sleep_for(loop, 5 * kMillisecond));
  CHECK(!task.is_done());
  deadline.reset(kMillisecond);
  CHECK_THROWS_AS(finish(loop, std::move(task)), TimedOut);
}

}  // namespace remuda::io::timer_test
