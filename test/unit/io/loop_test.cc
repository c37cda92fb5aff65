#include "io/loop.h"

#include <string>
#include <thread>

#include "io/deadline.h"
#include "io/timer.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::loop_test {

TEST_CASE("a loop with nothing to do ends at once", "[loop]") {
  Loop loop;
  loop.run();
  loop.run();
}

TEST_CASE("a loop stops and runs on", "[loop]") {
  Loop loop;
  int ticks = 0;
  Timer timer(loop);
  timer.repeat(kMillisecond, [&] {
    ++ticks;
    loop.stop();
  });
  loop.run();
  CHECK(ticks == 1);
  loop.run();
  CHECK(ticks == 2);
}

TEST_CASE("the clock stands still within a wake-up and goes on with the next", "[loop]") {
  Loop loop;
  Timer timer(loop);
  Micros first = 0;
  Micros second = 0;
  timer.start(kMillisecond, [&] {
    first = loop.now();
    const Micros until = monotonic_now() + 2 * kMillisecond;
    while (monotonic_now() < until) {
    }
    CHECK(loop.now() == first);
    timer.start(kMillisecond, [&] { second = loop.now(); });
  });
  const Micros before = monotonic_now();
  loop.run();
  CHECK(first >= before);
  CHECK(second >= first + 2 * kMillisecond);
  CHECK(second <= monotonic_now());
}

TEST_CASE("a loop belongs to the thread that runs it", "[loop]") {
  Loop loop;
  loop.assert_thread();
  std::thread([&] {
    bool ran = false;
    Timer timer(loop);
    timer.start(0, [&] {
      loop.assert_thread();
      ran = true;
    });
    loop.run();
    CHECK(ran);
  }).join();
}

TEST_CASE("a loop lends one buffer", "[loop]") {
  Loop loop;
  CHECK(loop.read_buffer().size() == 64 * 1024);
  CHECK(loop.read_buffer().data() == loop.read_buffer().data());
  CHECK(&Loop::of(loop.raw()) == &loop);
}

namespace {

struct Flagged final : Leftover {
  explicit Flagged(int& its_gone) : gone(its_gone) {}
  ~Flagged() override { ++gone; }
  int& gone;
};

}  // namespace

TEST_CASE("leftovers end by themselves or with the loop", "[loop]") {
  int gone = 0;
  {
    Loop loop;
    auto first = std::make_unique<Flagged>(gone);
    Flagged& kept = *first;
    loop.keep(std::move(first));
    loop.keep(std::make_unique<Flagged>(gone));
    loop.drop(kept);
    CHECK(gone == 1);
  }
  CHECK(gone == 2);
}

}  // namespace remuda::io::loop_test
