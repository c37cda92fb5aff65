// Which look-ups ask, which share a question, and which are answered from memory.
#include "auth/secret_cache.h"

#include <deque>

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::auth::secret_cache_test {
namespace {

using Key = SecretCache::Key;

FoundSecret secret_of(const std::string& name, const std::string& secret) {
  FoundSecret found;
  found.found = true;
  found.name = name;
  found.secret = secret;
  return found;
}

// A database that answers when it is told to.
struct Bench {
  explicit Bench(Micros ttl = 0)
      : cache(loop, tasks, [this](const Key& key) { return fetch(key); }) {
    cache.reset(ttl);
  }
  ~Bench() {
    tasks.close();
    for (auto* waiter : open) waiter->fail(std::make_exception_ptr(Closed("end")));
    io::run_until(loop, [&] { return tasks.size() == 0; });
  }

  io::Task<FoundSecret> fetch(Key key) {
    asked.push_back(key);
    io::Waiter<FoundSecret> waiter(loop);
    open.push_back(&waiter);
    co_return co_await waiter.wait();
  }
  void answer(const FoundSecret& found) {
    io::Waiter<FoundSecret>* waiter = open.front();
    open.pop_front();
    FoundSecret copy = found;
    CHECK(waiter->set(std::move(copy)));
  }
  void fail(const char* why) {
    open.front()->fail(std::make_exception_ptr(PgError(why)));
    open.pop_front();
  }
  io::Task<FoundSecret> get(const std::string& user, bool refresh = false) {
    Key key{"query", user};
    co_return co_await cache.get(key, refresh, never);
  }
  // With this answer, if it asks.
  FoundSecret got(const std::string& user, const FoundSecret& found, bool refresh = false) {
    auto task = get(user, refresh);
    if (!open.empty()) answer(found);
    return io::finish(loop, std::move(task));
  }
  // Real time, as the loop has no other.
  void wait(Micros time) { io::finish(loop, io::sleep_for(loop, time)); }

  io::Loop loop;
  io::TaskScope tasks{loop, "tasks"};
  io::Deadline never{loop, 0};
  std::vector<Key> asked;
  std::deque<io::Waiter<FoundSecret>*> open;
  SecretCache cache;
};

const FoundSecret kNobody;

}  // namespace

TEST_CASE("without a time to live every look-up asks", "[secret_cache]") {
  Bench bench;
  for (int i = 1; i <= 3; ++i) {
    const auto found = bench.got("ann", secret_of("ann", "s"));
    CHECK(found.secret == "s");
    CHECK(!found.may_be_old);
    CHECK(bench.asked.size() == static_cast<size_t>(i));
  }
  CHECK(bench.cache.size() == 0);
}

TEST_CASE("what was found is kept for its time", "[secret_cache]") {
  Bench bench(20 * kMillisecond);
  CHECK(!bench.got("ann", secret_of("ann", "old")).may_be_old);
  const auto again = bench.got("ann", secret_of("ann", "unasked"));
  if (bench.asked.size() == 1) {  // unless the machine slept meanwhile
    CHECK(again.secret == "old");
    CHECK(again.may_be_old);
  }
  bench.wait(25 * kMillisecond);
  CHECK(bench.got("ann", secret_of("ann", "new")).secret == "new");
  bench.wait(25 * kMillisecond);
  bench.cache.drop_expired();
  CHECK(bench.cache.size() == 0);
}

TEST_CASE("nothing is shared between users or queries", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  bench.got("ann", secret_of("ann", "a"));
  CHECK(bench.got("bob", secret_of("bob", "b")).secret == "b");
  CHECK(bench.got("an", kNobody).found == false);
  Key other{"other query", "ann"};
  auto task = bench.cache.get(other, false, bench.never);
  bench.answer(secret_of("ann", "c"));
  CHECK(io::finish(bench.loop, std::move(task)).secret == "c");
  CHECK(bench.got("ann", kNobody).secret == "a");
  CHECK(bench.asked.size() == 4);
}

TEST_CASE("who is not found, or has no secret, is asked for again after a second",
          "[secret_cache]") {
  Bench bench(kSecond * 3600);
  bench.got("ann", kNobody);
  bench.got("bob", secret_of("bob", ""));
  bench.got("eve", secret_of("eve", "s"));
  bench.wait(SecretCache::kNegativeTtl + 10 * kMillisecond);
  CHECK(bench.got("ann", secret_of("ann", "a")).secret == "a");
  CHECK(bench.got("bob", secret_of("bob", "b")).secret == "b");
  CHECK(bench.got("eve", kNobody).secret == "s");
}

TEST_CASE("who is not found is remembered for a moment", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  const Micros before = bench.loop.now();
  bench.got("ann", kNobody);
  const auto again = bench.got("ann", secret_of("ann", "a"));
  if (bench.loop.now() - before < SecretCache::kNegativeTtl) CHECK(!again.found);
}

TEST_CASE("a refresh asks although something is known, once in a second", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  bench.got("ann", secret_of("ann", "old"));
  const Micros before = bench.loop.now();
  // At once, however young the entry is.
  const auto fresh = bench.got("ann", secret_of("ann", "new"), true);
  CHECK(fresh.secret == "new");
  CHECK(!fresh.may_be_old);
  for (int i = 0; i < 100; ++i) bench.got("ann", secret_of("ann", "newer"), true);
  if (bench.loop.now() - before < SecretCache::kRefreshPeriod) CHECK(bench.asked.size() == 2);
  bench.wait(SecretCache::kRefreshPeriod + 10 * kMillisecond);
  CHECK(bench.got("ann", secret_of("ann", "newest"), true).secret == "newest");
}

TEST_CASE("a refresh that fails counts too, and leaves what is known", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  bench.got("ann", secret_of("ann", "old"));
  const Micros before = bench.loop.now();
  auto task = bench.get("ann", true);
  bench.fail("broken");
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(task)), PgError);
  CHECK(bench.got("ann", kNobody).secret == "old");
  const auto again = bench.got("ann", secret_of("ann", "new"), true);
  if (bench.loop.now() - before < SecretCache::kRefreshPeriod) CHECK(again.secret == "old");
}

TEST_CASE("look-ups at the same time share one question", "[secret_cache]") {
  Bench bench(GENERATE(Micros{0}, kSecond * 3600));
  std::vector<io::Task<FoundSecret>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(bench.get("ann", i % 2 == 1));
  auto other = bench.get("bob");
  CHECK(bench.asked.size() == 2);
  bench.answer(secret_of("ann", "a"));
  int old = 0;
  for (auto& task : tasks) {
    const auto found = io::finish(bench.loop, std::move(task));
    CHECK(found.secret == "a");
    old += found.may_be_old;
  }
  CHECK(old == 49);
  bench.answer(secret_of("bob", "b"));
  CHECK(io::finish(bench.loop, std::move(other)).secret == "b");
}

TEST_CASE("a failure is told to all who wait, and is not kept", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  auto one = bench.get("ann");
  auto two = bench.get("ann");
  bench.fail("broken");
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(one)), PgError);
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(two)), PgError);
  CHECK(bench.got("ann", secret_of("ann", "a")).secret == "a");
}

TEST_CASE("a waiter whose time is up leaves alone", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  const bool first_leaves = GENERATE(true, false);
  io::Deadline soon(bench.loop, 5 * kMillisecond);
  const Key key{"query", "ann"};
  auto first = bench.cache.get(key, false, first_leaves ? soon : bench.never);
  auto second = bench.cache.get(key, false, first_leaves ? bench.never : soon);
  auto& leaving = first_leaves ? first : second;
  auto& staying = first_leaves ? second : first;
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(leaving)), TimedOut);
  CHECK(!staying.is_done());
  auto third = bench.get("ann");
  CHECK(bench.asked.size() == 1);
  bench.answer(secret_of("ann", "a"));
  CHECK(io::finish(bench.loop, std::move(staying)).secret == "a");
  CHECK(io::finish(bench.loop, std::move(third)).secret == "a");
}

TEST_CASE("a closing scope ends every wait", "[secret_cache]") {
  Bench bench;
  auto one = bench.get("ann");
  auto two = bench.get("ann");
  bench.tasks.close();
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(one)), Closed);
  CHECK_THROWS_AS(io::finish(bench.loop, std::move(two)), Closed);
}

TEST_CASE("what was asked before the cache was cleared is not kept", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  auto task = bench.get("ann");
  bench.cache.clear();
  bench.answer(secret_of("ann", "old"));
  CHECK(io::finish(bench.loop, std::move(task)).secret == "old");
  CHECK(bench.cache.size() == 0);
  CHECK(bench.got("ann", secret_of("ann", "new")).secret == "new");
}

TEST_CASE("the oldest goes when there are too many", "[secret_cache]") {
  Bench bench(kSecond * 3600);
  for (size_t i = 0; i <= SecretCache::kMost; ++i) {
    auto task = bench.get("user" + std::to_string(i));
    bench.answer(secret_of("x", "s"));
    io::finish(bench.loop, std::move(task));
  }
  CHECK(bench.cache.size() == SecretCache::kMost);
  const size_t asked = bench.asked.size();
  bench.got("user1", kNobody);
  CHECK(bench.asked.size() == asked);
  bench.got("user0", kNobody);
  CHECK(bench.asked.size() == asked + 1);
}

}  // namespace remuda::auth::secret_cache_test
