#include "io/task_scope.h"

#include <memory>
#include <string>
#include <vector>

#include "io/deadline.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::task_scope_test {
namespace {

Task<void> ends_at_once(int& ended) {
  ++ended;
  co_return;
}

Task<void> sleeps(Loop& loop, Micros time, int& ended) {
  co_await sleep_for(loop, time);
  ++ended;
}

Task<void> throws(Loop& loop) {
  co_await sleep_for(loop, 0);
  throw PgError("expected by the test");
}

Task<void> waits_for_ever(Loop& loop, TaskScope& scope, std::string& seen) {
  Waiter<void> waiter(loop);
  const CloseLink link(scope, waiter);
  try {
    co_await waiter.wait();
  } catch (const Closed& error) {
    seen = error.what();
    throw;
  }
}

Task<void> spawns(TaskScope& scope, Loop& loop, int depth, int& ended) {
  co_await sleep_for(loop, 0);
  if (depth > 0) scope.spawn(spawns(scope, loop, depth - 1, ended));
  ++ended;
}

}  // namespace

TEST_CASE("a scope keeps tasks until they end", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  int ended = 0;
  scope.spawn(ends_at_once(ended));
  CHECK(scope.size() == 0);
  CHECK(ended == 1);
  scope.spawn(sleeps(loop, kMillisecond, ended));
  scope.spawn(sleeps(loop, 0, ended));
  CHECK(scope.size() == 2);
  finish(loop, scope.emptied());
  CHECK(ended == 3);
  CHECK(scope.size() == 0);
}

TEST_CASE("what escapes a task in a scope ends only that task", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  int ended = 0;
  scope.spawn(throws(loop));
  scope.spawn(sleeps(loop, kMillisecond, ended));
  finish(loop, scope.emptied());
  CHECK(ended == 1);
}

TEST_CASE("closing a scope interrupts what its tasks wait for", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  std::string first;
  std::string late;
  scope.spawn(waits_for_ever(loop, scope, first));
  CHECK(!scope.is_closing());
  scope.close();
  scope.close();
  CHECK(scope.is_closing());
  scope.spawn(waits_for_ever(loop, scope, late));
  finish(loop, scope.emptied());
  CHECK(first == "shutting down");
  CHECK(late == "shutting down");
}

TEST_CASE("an empty scope is empty at once", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  CHECK(scope.emptied().is_done());
  bool called = false;
  scope.when_empty([&] { called = true; });
  CHECK(called);
}

TEST_CASE("a scope may be destroyed when it reports that it is empty", "[task_scope]") {
  Loop loop;
  auto scope = std::make_unique<TaskScope>(loop, "test");
  int ended = 0;
  scope->spawn(sleeps(loop, 0, ended));
  scope->spawn(sleeps(loop, kMillisecond, ended));
  scope->when_empty([&] { scope.reset(); });
  loop.run();
  CHECK(!scope);
  CHECK(ended == 2);
}

TEST_CASE("a scope waits for tasks that its tasks spawn", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  int ended = 0;
  scope.spawn(spawns(scope, loop, 9, ended));
  finish(loop, scope.emptied());
  CHECK(ended == 10);
}

TEST_CASE("a sleep ends when its scope closes", "[task_scope]") {
  Loop loop;
  TaskScope scope(loop, "test");
  auto sleep = sleep_for(loop, 3600 * kSecond, &scope);
  scope.close();
  CHECK_THROWS_AS(finish(loop, std::move(sleep)), Closed);
}

}  // namespace remuda::io::task_scope_test
