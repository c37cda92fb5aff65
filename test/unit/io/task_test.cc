// The coroutine cases that decide whether a compiler can be trusted with tasks. Each runs twice:
// all awaited tasks complete at once, and all suspend.
#include "io/task.h"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "io/deadline.h"
#include "io/waiter.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::task_test {
namespace {

// Counts how many live, so that an object freed twice or never shows without a sanitizer too.
struct Tracked {
  static inline int alive = 0;
  std::string text;
  explicit Tracked(std::string its_text) : text(std::move(its_text)) { ++alive; }
  Tracked(const Tracked& other) : text(other.text) { ++alive; }
  Tracked(Tracked&& other) noexcept : text(std::move(other.text)) { ++alive; }
  Tracked& operator=(const Tracked&) = default;
  Tracked& operator=(Tracked&&) noexcept = default;
  ~Tracked() { --alive; }
};

constexpr const char* kLong = "longer than any small string buffer, so that it is on the heap";

struct Lab {
  Loop loop;
  bool suspends = false;
  int steps = 0;
};

Task<void> step(Lab& lab) {
  ++lab.steps;
  if (lab.suspends) co_await sleep_for(lab.loop, 0);
}

// The sources of values and errors that the cases await.
Task<int> number(Lab& lab, int n) {
  co_await step(lab);
  co_return n;
}
Task<std::string> text(Lab& lab, std::string value) {
  co_await step(lab);
  co_return value;
}
Task<Tracked> tracked(Lab& lab, Tracked value) {
  co_await step(lab);
  co_return value;
}
Task<std::unique_ptr<Tracked>> owned(Lab& lab, std::unique_ptr<Tracked> value) {
  co_await step(lab);
  co_return value;
}
Task<int> failing(Lab& lab, std::string why) {
  co_await step(lab);
  throw PgError(why);
}
Task<void> failing_void(Lab& lab, std::string why) {
  co_await step(lab);
  throw PgError(why);
}
Task<size_t> length_of(Lab& lab, const std::string& value) {
  co_await step(lab);
  co_return value.size();
}

// Runs a case both ways; no object may be left.
template <class Case>
void both_ways(Case run_case) {
  for (const bool suspends : {false, true}) {
    INFO("suspends: " << suspends);
    {
      Lab lab;
      lab.suspends = suspends;
      run_case(lab);
    }
    CHECK(Tracked::alive == 0);
  }
}

// --- Values

Task<int> returns_at_once() {
  co_return 7;
}
Task<void> returns_nothing(int& ran) {
  ++ran;
  co_return;
}
Task<int> awaits_value(Lab& lab) {
  auto n = co_await number(lab, 5);
  co_return n + 1;
}
Task<int> returns_awaited(Lab& lab) {
  co_return co_await number(lab, 9);
}
Task<void> awaits_void(Lab& lab, int& ran) {
  co_await step(lab);
  ++ran;
}
Task<void> discards_value(Lab& lab) {
  co_await number(lab, 3);
}
Task<int> awaits_many(Lab& lab) {
  const int a = co_await number(lab, 1);
  const int b = co_await number(lab, 2);
  int c = co_await number(lab, a + b);
  c += a;
  co_return c * 10 + b;
}
Task<std::string> joins_texts(Lab& lab) {
  std::string a = co_await text(lab, kLong);
  const auto b = co_await text(lab, a + "!");
  co_return a + b;
}
Task<std::unique_ptr<Tracked>> passes_owner(Lab& lab) {
  auto mine = co_await owned(lab, std::make_unique<Tracked>(kLong));
  mine->text += "?";
  auto again = co_await owned(lab, std::move(mine));
  co_return again;
}
Task<std::vector<Tracked>> collects(Lab& lab) {
  std::vector<Tracked> all;
  for (int i = 0; i < 20; ++i) {
    auto one = co_await tracked(lab, Tracked(kLong + std::to_string(i)));
    all.push_back(std::move(one));
  }
  co_return all;
}
Task<std::tuple<int, std::string>> returns_tuple(Lab& lab) {
  const int n = co_await number(lab, 4);
  auto s = co_await text(lab, kLong);
  co_return std::make_tuple(n, s);
}
Task<std::optional<std::string>> returns_optional(Lab& lab, bool some) {
  co_await step(lab);
  if (!some) co_return std::nullopt;
  co_return kLong;
}
struct NoDefault {
  explicit NoDefault(int its_n) : n(its_n) {}
  NoDefault(NoDefault&&) = default;
  int n;
};
Task<NoDefault> returns_no_default(Lab& lab) {
  const int n = co_await number(lab, 11);
  co_return NoDefault(n);
}
struct Reply {
  std::string name;
  std::vector<int> numbers;
};
Task<Reply> returns_aggregate(Lab& lab) {
  Reply reply;
  reply.name = kLong;
  const int n = co_await number(lab, 8);
  reply.numbers.assign(3, n);
  co_return reply;
}
Task<std::variant<int, std::string>> returns_variant(Lab& lab, bool is_text) {
  co_await step(lab);
  if (is_text) co_return std::string(kLong);
  co_return 5;
}
Task<Tracked*> returns_pointer(Lab& lab, Tracked& target) {
  co_await step(lab);
  co_return &target;
}
Task<size_t> big_frame(Lab& lab) {
  std::array<char, 64 * 1024> block;
  block.fill('x');
  co_await step(lab);
  size_t count = 0;
  for (const char c : block) count += c == 'x';
  co_return count;
}

// --- Arguments

Task<size_t> passes_reference(Lab& lab) {
  const std::string local = kLong;
  const size_t n = co_await length_of(lab, local);
  co_return n;
}
Task<size_t> passes_temporary(Lab& lab) {
  const size_t n = co_await length_of(lab, std::string(100, 'x'));
  co_return n;
}
Task<size_t> passes_literal(Lab& lab) {
  const size_t n = co_await length_of(lab, kLong);
  co_return n;
}
Task<int> takes_default(Lab& lab, std::string suffix = kLong) {
  co_await step(lab);
  co_return static_cast<int>(suffix.size());
}
Task<int> awaits_default(Lab& lab) {
  const int n = co_await takes_default(lab);
  co_return n;
}
Task<size_t> calls(Lab& lab, std::function<size_t()> function) {
  co_await step(lab);
  co_return function();
}
Task<size_t> passes_named_lambda(Lab& lab) {
  const Tracked kept(kLong);
  auto length = [kept] { return kept.text.size(); };
  const size_t copied = co_await calls(lab, length);
  const size_t moved = co_await calls(lab, std::move(length));
  co_return copied + moved;
}
template <class... Args>
Task<size_t> counts_args(Lab& lab, Args... args) {
  co_await step(lab);
  co_return (args.text.size() + ... + 0);
}
Task<size_t> passes_pack(Lab& lab) {
  const Tracked a(kLong);
  Tracked b("b");
  const size_t n = co_await counts_args(lab, a, std::move(b), a);
  co_return n;
}
Task<size_t> shares(Lab& lab, std::shared_ptr<Tracked> shared) {
  co_await step(lab);
  co_return shared->text.size();
}

// --- Control flow

Task<int> sums(Lab& lab, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int n = co_await number(lab, i);
    if (n % 2 == 0) continue;
    if (n > 50) break;
    sum += n;
  }
  co_return sum;
}
Task<int> counts_down(Lab& lab, int from) {
  int rounds = 0;
  while (from > 0) {
    const int less = co_await number(lab, 1);
    from -= less;
    ++rounds;
  }
  do {
    co_await step(lab);
    ++rounds;
  } while (rounds % 5 != 0);
  co_return rounds;
}
Task<int> nests_loops(Lab& lab) {
  int sum = 0;
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      const int n = co_await number(lab, i * j);
      sum += n;
    }
  }
  co_return sum;
}
Task<std::string> switches(Lab& lab, int which) {
  const int n = co_await number(lab, which);
  switch (n) {
    case 0:
      co_return "none";
    case 1: {
      auto s = co_await text(lab, "one");
      co_return s + "!";
    }
    default:
      break;
  }
  auto many = co_await text(lab, kLong);
  co_return many;
}
Task<int> branches(Lab& lab, bool left) {
  if (left) {
    const Tracked in_left(kLong);
    const int n = co_await number(lab, 1);
    co_return n;
  } else {
    const Tracked in_right(kLong);
    co_await step(lab);
  }
  co_return 2;
}
Task<int> walks_map(Lab& lab) {
  const std::map<std::string, int> map{{"a", 1}, {"b", 2}, {"c", 3}};
  int sum = 0;
  for (const auto& [key, value] : map) {
    const int n = co_await number(lab, value);
    const size_t size = co_await length_of(lab, key);
    sum += n * static_cast<int>(size);
  }
  co_return sum;
}
Task<int> fibonacci(Lab& lab, int n) {
  if (n < 2) co_return n;
  const int a = co_await fibonacci(lab, n - 1);
  const int b = co_await fibonacci(lab, n - 2);
  if (n == 5) co_await step(lab);
  co_return a + b;
}
Task<int> goes_deep(Lab& lab, int depth) {
  const Tracked here(kLong);
  if (depth == 0) co_return co_await number(lab, 1);
  const int below = co_await goes_deep(lab, depth - 1);
  co_return below + 1;
}
Task<int> static_local(Lab& lab) {
  static int calls_so_far = 0;
  const int n = co_await number(lab, ++calls_so_far);
  co_return n;
}
Task<void> guards(Lab& lab, std::vector<std::string>& order) {
  struct Guard {
    std::vector<std::string>& order;
    std::string name;
    ~Guard() { order.push_back(name); }
  };
  const Guard first{order, "first"};
  co_await step(lab);
  const Guard second{order, "second"};
  co_await step(lab);
  {
    const Guard inner{order, "inner"};
    co_await step(lab);
  }
  order.push_back("body");
}

// --- Members, templates, lambdas

class Counter {
 public:
  explicit Counter(Lab& lab) : lab_(lab) {}
  Task<int> add(int n) {
    const int more = co_await number(lab_, n);
    total_ += more;
    co_return total_;
  }
  Task<int> add_twice(int n) {
    co_await add(n);
    const int total = co_await this->add(n);
    co_return total;
  }
  virtual Task<int> answer() { co_return co_await number(lab_, 1); }
  virtual ~Counter() = default;

 protected:
  Lab& lab_;
  int total_ = 0;
};
class LoudCounter : public Counter {
 public:
  using Counter::Counter;
  Task<int> answer() override {
    const int quiet = co_await Counter::answer();
    co_return quiet * 100;
  }
};
template <class T>
Task<T> generic(Lab& lab, T value) {
  co_await step(lab);
  co_return value;
}

// --- Errors

Task<std::string> catches(Lab& lab) {
  try {
    co_await failing(lab, kLong);
  } catch (const PgError& error) {
    co_return error.what();
  }
  co_return "nothing thrown";
}
Task<int> lets_through(Lab& lab) {
  const Tracked here(kLong);
  const int n = co_await failing(lab, "through");
  co_return n;
}
Task<int> through_three(Lab& lab) {
  const Tracked here(kLong);
  co_return co_await lets_through(lab);
}
Task<std::string> goes_on_after_catch(Lab& lab) {
  std::string seen;
  try {
    co_await failing_void(lab, "a");
  } catch (const PgError& error) {
    seen += error.what();
  }
  auto more = co_await text(lab, "b");
  co_return seen + more;
}
Task<int> tries_in_loop(Lab& lab, int times) {
  int caught = 0;
  for (int i = 0; i < times; ++i) {
    const Tracked here(kLong);
    try {
      const Tracked inside(kLong);
      if (i % 3 == 0) co_await failing_void(lab, "now");
      co_await step(lab);
    } catch (const PgError&) {
      ++caught;
    }
  }
  co_return caught;
}
Task<std::string> nested_tries(Lab& lab) {
  try {
    try {
      co_await failing(lab, "inner");
    } catch (const Closed&) {
      co_return "wrong";
    }
  } catch (const PgError& error) {
    co_return error.what();
  }
  co_return "none";
}
Task<int> rethrows(Lab& lab) {
  try {
    co_await failing(lab, "first");
  } catch (const PgError& error) {
    throw TimedOut(std::string("then ") + error.what());
  }
  co_return 0;
}
Task<int> rethrows_later(Lab& lab) {
  std::exception_ptr kept;
  try {
    co_await failing(lab, "kept");
  } catch (...) {
    kept = std::current_exception();
  }
  co_await step(lab);  // clean-up that waits: not possible inside the handler
  std::rethrow_exception(kept);
}
Task<int> throws_at_once() {
  throw Closed("at once");
  co_return 0;
}
Task<int> throws_from_argument(Lab& lab) {
  const std::vector<int> none;
  const int n = co_await number(lab, none.at(3));
  co_return n;
}
Task<Tracked> throws_while_holding(Lab& lab) {
  Tracked held(kLong);
  auto other = co_await tracked(lab, held);
  co_await failing_void(lab, "holding");
  co_return other;
}
Task<int> retries(Lab& lab, int& attempts) {
  for (;;) {
    bool failed = false;
    try {
      if (++attempts < 4) co_await failing_void(lab, "again");
    } catch (const PgError&) {
      failed = true;
    }
    if (!failed) co_return attempts;
    co_await step(lab);
  }
}

// --- Waiting

Task<std::string> waits_for(Waiter<std::string>& waiter) {
  auto value = co_await waiter.wait();
  co_return value;
}
Task<std::string> interrupted_in_try(Waiter<int>& waiter, Lab& lab) {
  const Tracked here(kLong);
  std::string seen;
  try {
    const Tracked inside(kLong);
    const int n = co_await waiter.wait();
    seen = std::to_string(n);
  } catch (const Closed& error) {
    seen = error.what();
  }
  co_await step(lab);
  co_return seen + "!";
}

}  // namespace

TEST_CASE("a task that never waits is done when it returns", "[task]") {
  int ran = 0;
  auto value = returns_at_once();
  CHECK(value.is_done());
  CHECK(value.await_resume() == 7);
  auto nothing = returns_nothing(ran);
  CHECK(nothing.is_done());
  CHECK(ran == 1);
}

TEST_CASE("a task runs up to its first wait before it is awaited", "[task]") {
  Lab lab;
  lab.suspends = true;
  auto task = number(lab, 3);
  CHECK(lab.steps == 1);
  CHECK(!task.is_done());
  CHECK(finish(lab.loop, std::move(task)) == 3);
}

TEST_CASE("a task can be moved while it waits", "[task]") {
  Lab lab;
  lab.suspends = true;
  Task<int> task = number(lab, 3);
  Task<int> moved = std::move(task);
  CHECK(finish(lab.loop, std::move(moved)) == 3);
}

TEST_CASE("tasks return values", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, awaits_value(lab)) == 6);
    CHECK(finish(lab.loop, returns_awaited(lab)) == 9);
    CHECK(finish(lab.loop, awaits_many(lab)) == 42);
    CHECK(finish(lab.loop, joins_texts(lab)) == std::string(kLong) + kLong + "!");
    int ran = 0;
    finish(lab.loop, awaits_void(lab, ran));
    CHECK(ran == 1);
    finish(lab.loop, discards_value(lab));
  });
}

TEST_CASE("tasks return values that can only be moved", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, passes_owner(lab))->text == std::string(kLong) + "?");
    CHECK(finish(lab.loop, returns_no_default(lab)).n == 11);
  });
}

TEST_CASE("tasks return structures", "[task]") {
  both_ways([](Lab& lab) {
    const auto all = finish(lab.loop, collects(lab));
    CHECK(all.size() == 20);
    CHECK(all.back().text == std::string(kLong) + "19");
    CHECK(finish(lab.loop, returns_tuple(lab)) == std::make_tuple(4, std::string(kLong)));
    CHECK(finish(lab.loop, returns_optional(lab, true)) == kLong);
    CHECK(finish(lab.loop, returns_optional(lab, false)) == std::nullopt);
    const Reply reply = finish(lab.loop, returns_aggregate(lab));
    CHECK(reply.name == kLong);
    CHECK(reply.numbers == std::vector<int>{8, 8, 8});
    CHECK(std::get<1>(finish(lab.loop, returns_variant(lab, true))) == kLong);
    CHECK(std::get<0>(finish(lab.loop, returns_variant(lab, false))) == 5);
    Tracked target("target");
    CHECK(finish(lab.loop, returns_pointer(lab, target)) == &target);
    CHECK(finish(lab.loop, big_frame(lab)) == 64 * 1024);
  });
}

TEST_CASE("arguments live as long as the awaited call", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, passes_reference(lab)) == std::string(kLong).size());
    CHECK(finish(lab.loop, passes_temporary(lab)) == 100);
    CHECK(finish(lab.loop, passes_literal(lab)) == std::string(kLong).size());
    CHECK(finish(lab.loop, awaits_default(lab)) == static_cast<int>(std::string(kLong).size()));
    CHECK(finish(lab.loop, passes_named_lambda(lab)) == 2 * std::string(kLong).size());
    CHECK(finish(lab.loop, passes_pack(lab)) == 2 * std::string(kLong).size() + 1);
    CHECK(finish(lab.loop, text(lab, kLong)) == kLong);
  });
}

TEST_CASE("a task drops its parameters when it goes", "[task]") {
  both_ways([](Lab& lab) {
    auto shared = std::make_shared<Tracked>(kLong);
    CHECK(finish(lab.loop, shares(lab, shared)) == std::string(kLong).size());
    CHECK(shared.use_count() == 1);
  });
}

TEST_CASE("awaits in loops and branches", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, sums(lab, 100)) == 625);
    CHECK(finish(lab.loop, sums(lab, 0)) == 0);
    CHECK(finish(lab.loop, counts_down(lab, 7)) == 10);
    CHECK(finish(lab.loop, nests_loops(lab)) == 11);
    CHECK(finish(lab.loop, switches(lab, 0)) == "none");
    CHECK(finish(lab.loop, switches(lab, 1)) == "one!");
    CHECK(finish(lab.loop, switches(lab, 2)) == kLong);
    CHECK(finish(lab.loop, branches(lab, true)) == 1);
    CHECK(finish(lab.loop, branches(lab, false)) == 2);
    CHECK(finish(lab.loop, walks_map(lab)) == 6);
    const int before = finish(lab.loop, static_local(lab));
    CHECK(finish(lab.loop, static_local(lab)) == before + 1);
  });
}

TEST_CASE("tasks that await themselves", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, fibonacci(lab, 15)) == 610);
    CHECK(finish(lab.loop, goes_deep(lab, 200)) == 201);
  });
}

TEST_CASE("locals are destroyed in order", "[task]") {
  both_ways([](Lab& lab) {
    std::vector<std::string> order;
    finish(lab.loop, guards(lab, order));
    CHECK(order == std::vector<std::string>{"inner", "body", "second", "first"});
  });
}

TEST_CASE("members and templates are tasks", "[task]") {
  both_ways([](Lab& lab) {
    Counter counter(lab);
    CHECK(finish(lab.loop, counter.add(2)) == 2);
    CHECK(finish(lab.loop, counter.add_twice(3)) == 8);
    LoudCounter loud(lab);
    Counter& base = loud;
    CHECK(finish(lab.loop, base.answer()) == 100);
    CHECK(finish(lab.loop, generic<std::string>(lab, kLong)) == kLong);
    CHECK(finish(lab.loop, generic(lab, 3.5)) == 3.5);
    CHECK(finish(lab.loop, generic(lab, Tracked(kLong))).text == kLong);
    auto plain = [](Lab& its_lab) -> Task<int> { co_return co_await number(its_lab, 12); };
    CHECK(finish(lab.loop, plain(lab)) == 12);
  });
}

TEST_CASE("what a task throws reaches who awaits it", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, catches(lab)) == kLong);
    CHECK_THROWS_AS(finish(lab.loop, lets_through(lab)), PgError);
    CHECK_THROWS_WITH(finish(lab.loop, through_three(lab)), "through");
    CHECK_THROWS_AS(finish(lab.loop, failing_void(lab, "x")), PgError);
    CHECK_THROWS_AS(finish(lab.loop, throws_at_once()), Closed);
    CHECK_THROWS_AS(finish(lab.loop, throws_from_argument(lab)), std::out_of_range);
    CHECK_THROWS_WITH(finish(lab.loop, throws_while_holding(lab)), "holding");
  });
}

TEST_CASE("a task goes on after it has caught", "[task]") {
  both_ways([](Lab& lab) {
    CHECK(finish(lab.loop, goes_on_after_catch(lab)) == "ab");
    CHECK(finish(lab.loop, tries_in_loop(lab, 10)) == 4);
    CHECK(finish(lab.loop, nested_tries(lab)) == "inner");
    CHECK_THROWS_WITH(finish(lab.loop, rethrows(lab)), "then first");
    CHECK_THROWS_WITH(finish(lab.loop, rethrows_later(lab)), "kept");
    int attempts = 0;
    CHECK(finish(lab.loop, retries(lab, attempts)) == 4);
  });
}

TEST_CASE("several tasks wait side by side", "[task]") {
  both_ways([](Lab& lab) {
    auto first = sums(lab, 50);
    auto second = joins_texts(lab);
    auto third = lets_through(lab);
    CHECK(finish(lab.loop, std::move(second)).size() == 2 * std::string(kLong).size() + 1);
    CHECK_THROWS_AS(finish(lab.loop, std::move(third)), PgError);
    CHECK(finish(lab.loop, std::move(first)) == 625);
  });
}

TEST_CASE("a hundred thousand awaits that complete at once need no stack", "[task]") {
  Lab lab;
  CHECK(finish(lab.loop, counts_down(lab, 100'000)) == 100'005);
}

TEST_CASE("thousands of awaits that suspend need no stack", "[task]") {
  Lab lab;
  lab.suspends = true;
  CHECK(finish(lab.loop, tries_in_loop(lab, 3'000)) == 1'000);
}

TEST_CASE("a waiter gives its value to the task that waits", "[task][waiter]") {
  Loop loop;
  Waiter<std::string> waiter(loop);
  auto task = waits_for(waiter);
  CHECK(waiter.set(kLong));
  CHECK(!task.is_done());  // resumed by the loop, never inside set()
  CHECK(finish(loop, std::move(task)) == kLong);
}

TEST_CASE("a waiter that was set before does not suspend", "[task][waiter]") {
  Loop loop;
  Waiter<std::string> waiter(loop);
  CHECK(waiter.set(kLong));
  auto task = waits_for(waiter);
  CHECK(task.is_done());
  CHECK(task.await_resume() == kLong);
}

TEST_CASE("the first to settle a waiter wins, and a refused value stays with its owner",
          "[task][waiter]") {
  Loop loop;
  Waiter<std::string> waiter(loop);
  auto task = waits_for(waiter);
  waiter.interrupt(std::make_exception_ptr(TimedOut("too late")));
  std::string value = kLong;
  CHECK(!waiter.set(std::move(value)));
  CHECK(value == kLong);
  CHECK_THROWS_AS(finish(loop, std::move(task)), TimedOut);

  Waiter<std::string> other(loop);
  auto second = waits_for(other);
  CHECK(other.set("value"));
  other.fail(std::make_exception_ptr(Closed("ignored")));
  CHECK(finish(loop, std::move(second)) == "value");
}

TEST_CASE("an interrupted task unwinds and may go on", "[task][waiter]") {
  both_ways([](Lab& lab) {
    Waiter<int> waiter(lab.loop);
    auto task = interrupted_in_try(waiter, lab);
    waiter.interrupt(std::make_exception_ptr(Closed("gone")));
    CHECK(finish(lab.loop, std::move(task)) == "gone!");
    Waiter<int> before(lab.loop);
    before.fail(std::make_exception_ptr(Closed("early")));
    CHECK(finish(lab.loop, interrupted_in_try(before, lab)) == "early!");
  });
}

namespace {

Task<void> plays_ping_pong(Loop& loop, Waiter<void>*& mine, Waiter<void>*& other, bool& stopped) {
  while (!stopped) {
    Waiter<void> waiter(loop);
    mine = &waiter;
    if (other != nullptr) std::exchange(other, nullptr)->set();
    co_await waiter.wait();
  }
  if (other != nullptr) std::exchange(other, nullptr)->set();
}

}  // namespace

TEST_CASE("tasks that keep waking one another do not starve the loop", "[task][waiter]") {
  Loop loop;
  Waiter<void>* a = nullptr;
  Waiter<void>* b = nullptr;
  bool stopped = false;
  auto first = plays_ping_pong(loop, a, b, stopped);
  auto second = plays_ping_pong(loop, b, a, stopped);
  Timer timer(loop);
  timer.start(5 * kMillisecond, [&] { stopped = true; });
  run_until(loop, [&] { return first.is_done() && second.is_done(); });
  CHECK(stopped);
}

}  // namespace remuda::io::task_test
