#include "io/offload.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::offload_test {
namespace {

Task<std::thread::id> thread_of_pool(Loop& loop) {
  auto work = [] { return std::this_thread::get_id(); };
  co_return co_await offload(loop, work);
}

Task<std::unique_ptr<std::string>> moves(Loop& loop, std::string text) {
  auto work = [&text] { return std::make_unique<std::string>(std::move(text)); };
  auto result = co_await offload(loop, work);
  co_return result;
}

Task<int> only_movable_work(Loop& loop) {
  auto work = [n = std::make_unique<int>(5)] { return *n; };
  co_return co_await offload(loop, std::move(work));
}

Task<std::string> fails(Loop& loop) {
  auto work = []() -> int { throw PgError("on the pool"); };
  try {
    co_await offload(loop, work);
  } catch (const PgError& error) {
    co_return error.what();
  }
  co_return "nothing";
}

Task<void> returns_nothing(Loop& loop, bool& ran) {
  auto work = [&ran] { ran = true; };
  co_await offload(loop, work);
}

// Lets pool threads in one by one, and counts how many are in at once.
struct Gate {
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  int inside = 0;
  int most = 0;
  std::string order;

  void pass(char who) {
    std::unique_lock lock(mutex);
    order += who;
    most = std::max(most, ++inside);
    opened.wait(lock, [&] { return open; });
    --inside;
  }
  void let_all() {
    const std::lock_guard lock(mutex);
    open = true;
    opened.notify_all();
  }
};

Task<void> passes(Loop& loop, Gate& gate, OffloadLimit& limit, char who) {
  auto work = [&gate, who] { gate.pass(who); };
  co_await offload(loop, work, &limit);
}

Task<void> throws_in_limit(Loop& loop, OffloadLimit& limit) {
  auto work = [] { throw PgError("limited"); };
  co_await offload(loop, work, &limit);
}

}  // namespace

TEST_CASE("work runs on another thread and its result comes back", "[offload]") {
  Loop loop;
  CHECK(finish(loop, thread_of_pool(loop)) != std::this_thread::get_id());
  const std::string text(1000, 'x');
  CHECK(*finish(loop, moves(loop, text)) == text);
  CHECK(finish(loop, only_movable_work(loop)) == 5);
  bool ran = false;
  finish(loop, returns_nothing(loop, ran));
  CHECK(ran);
}

TEST_CASE("what work throws comes back", "[offload]") {
  Loop loop;
  CHECK(finish(loop, fails(loop)) == "on the pool");
}

TEST_CASE("many pieces of work at once", "[offload]") {
  Loop loop;
  std::vector<Task<std::unique_ptr<std::string>>> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(moves(loop, std::to_string(i)));
  for (int i = 0; i < 200; ++i) CHECK(*finish(loop, std::move(tasks[i])) == std::to_string(i));
}

TEST_CASE("a limit lets only so many in, the others in order", "[offload]") {
  Loop loop;
  Gate gate;
  OffloadLimit limit(loop, 2);
  std::vector<Task<void>> tasks;
  for (const char who : {'a', 'b', 'c', 'd', 'e'}) {
    tasks.push_back(passes(loop, gate, limit, who));
  }
  CHECK(limit.running() == 2);
  CHECK(limit.queued() == 3);
  run_until(loop, [&] {
    const std::lock_guard lock(gate.mutex);
    return gate.inside == 2;
  });
  gate.let_all();
  for (auto& task : tasks) finish(loop, std::move(task));
  CHECK(gate.most == 2);
  CHECK(gate.order.size() == 5);
  CHECK(limit.running() == 0);
  CHECK(limit.queued() == 0);
}

TEST_CASE("work that fails gives its place back", "[offload]") {
  Loop loop;
  OffloadLimit limit(loop, 1);
  auto first = throws_in_limit(loop, limit);
  auto second = throws_in_limit(loop, limit);
  CHECK_THROWS_AS(finish(loop, std::move(first)), PgError);
  CHECK_THROWS_AS(finish(loop, std::move(second)), PgError);
  CHECK(limit.running() == 0);
}

TEST_CASE("who waits too long leaves the queue, and takes no place along", "[offload]") {
  Loop loop;
  Gate gate;
  OffloadLimit limit(loop, 1);
  auto first = passes(loop, gate, limit, 'a');
  limit.set_patience(kMillisecond);
  auto second = passes(loop, gate, limit, 'b');
  limit.set_patience(0);
  auto third = passes(loop, gate, limit, 'c');
  CHECK_THROWS_AS(finish(loop, std::move(second)), TimedOut);
  CHECK(limit.queued() == 1);
  gate.let_all();
  finish(loop, std::move(first));
  finish(loop, std::move(third));
  CHECK(gate.order == "ac");
  CHECK(limit.running() == 0);
}

TEST_CASE("a place that comes free while those who wait are given up goes to nobody", "[offload]") {
  Loop loop;
  OffloadLimit limit(loop, 1);
  finish(loop, limit.enter());
  auto second = limit.enter();
  auto third = limit.enter();
  limit.close();
  CHECK(limit.queued() == 2);
  limit.leave();
  CHECK(limit.running() == 0);
  CHECK_THROWS_AS(finish(loop, std::move(second)), Closed);
  CHECK_THROWS_AS(finish(loop, std::move(third)), Closed);
}

}  // namespace remuda::io::offload_test
