#include "proxy/hunger.h"

#include <array>
#include <thread>
#include <vector>

#include "support/catch.h"

namespace remuda::proxy::hunger_test {
namespace {

// When it does not matter, as the lender has no waiter.
constexpr Micros kNow = 1000 * kSecond;

}  // namespace

TEST_CASE("hunger is stated once, until it is withdrawn") {
  Hunger hunger(3);
  CHECK_FALSE(hunger.is_stated_by_any());
  CHECK(hunger.state(1, 100));
  CHECK(hunger.is_stated_by_any());
  CHECK(hunger.is_stated_by(1));
  CHECK_FALSE(hunger.is_stated_by(0));
  // Known already: nobody needs to be told.
  CHECK_FALSE(hunger.state(1, 200));
  hunger.withdraw(1);
  hunger.withdraw(1);
  CHECK_FALSE(hunger.is_stated_by_any());
  CHECK(hunger.state(1, 300));
}

TEST_CASE("the oldest statement is claimed first, and once") {
  Hunger hunger(4);
  hunger.state(0, 300);
  hunger.state(3, 100);
  hunger.state(1, 200);
  CHECK(hunger.claim(2, 0, kNow) == 3);
  CHECK_FALSE(hunger.is_stated_by(3));
  CHECK(hunger.claim(2, 0, kNow) == 1);
  CHECK(hunger.claim(2, 0, kNow) == 0);
  CHECK_FALSE(hunger.claim(2, 0, kNow));
}

TEST_CASE("of those that are equally old one is claimed") {
  Hunger hunger(3);
  hunger.state(0, 100);
  hunger.state(1, 100);
  const auto first = hunger.claim(2, 0, kNow);
  CHECK(first == 0);
  CHECK(hunger.is_stated_by(1));
}

TEST_CASE("nobody claims what he has stated himself") {
  Hunger hunger(2);
  hunger.state(1, 100);
  CHECK_FALSE(hunger.claim(1, 0, kNow));
  CHECK_FALSE(hunger.claim(1, 1000 * kSecond, 1000 * kSecond));
  CHECK(hunger.is_stated_by(1));
}

TEST_CASE("a server stays where somebody has waited as long, within the patience") {
  Hunger hunger(2);
  const Micros theirs = 10 * kSecond;
  hunger.state(1, theirs);
  for (const Micros later : {Micros{-1}, Micros{0}, Hunger::kPatience}) {
    CHECK_FALSE(hunger.claim(0, theirs + later, theirs + later));
  }
  CHECK(hunger.is_stated_by(1));
  const Micros own = theirs + Hunger::kPatience + 1;
  CHECK(hunger.claim(0, own, own) == 1);
}

TEST_CASE("who has waited for long himself overlooks a share of it") {
  Hunger hunger(2);
  const Micros theirs = 10 * kSecond;
  hunger.state(1, theirs);
  const Micros own = theirs + Hunger::kPatience + kSecond;
  CHECK_FALSE(hunger.claim(0, own, own + Hunger::kShare * kSecond));
  CHECK(hunger.claim(0, own, own + Hunger::kShare * (kSecond - 1)) == 1);
}

TEST_CASE("a statement follows its oldest waiter") {
  Hunger hunger(3);
  hunger.state(0, 100);
  hunger.state(1, 200);
  hunger.state(0, 300);
  CHECK(hunger.claim(2, 0, kNow) == 1);
}

TEST_CASE("a claimed statement that could not be served is restored as it was") {
  Hunger hunger(3);
  hunger.state(0, 100);
  hunger.state(1, 200);
  REQUIRE(hunger.claim(2, 0, kNow) == 0);
  hunger.restore(0);
  CHECK(hunger.claim(2, 0, kNow) == 0);
  CHECK(hunger.claim(2, 0, kNow) == 1);
}

TEST_CASE("the last of the workers there may be counts as well") {
  Hunger hunger(64);
  CHECK(hunger.state(63, 100));
  CHECK(hunger.claim(0, 0, kNow) == 63);
  CHECK(hunger.state(0, 100));
  CHECK(hunger.claim(63, 0, kNow) == 0);
}

// Two workers are hungry again and again, two claim: each statement is claimed by exactly one, and
// none is left over.
TEST_CASE("every statement has exactly one claimer among threads") {
  constexpr int kStatements = 20000;
  Hunger hunger(4);
  std::array<std::atomic<int>, 2> stated{};
  std::array<std::atomic<int>, 2> claimed{};
  std::atomic<int> hungry_ones{2};
  std::vector<std::thread> threads;
  for (const int worker : {0, 1}) {
    threads.emplace_back([&, worker] {
      const auto at = static_cast<size_t>(worker);
      for (int i = 1; i <= kStatements; ++i) {
        stated[at].fetch_add(1);
        if (!hunger.state(worker, i)) stated[at].fetch_sub(1);
        // As a server arrives only once it was claimed.
        while (hunger.is_stated_by(worker)) std::this_thread::yield();
      }
      --hungry_ones;
    });
  }
  for (const int lender : {2, 3}) {
    threads.emplace_back([&, lender] {
      while (hungry_ones > 0) {
        const auto to = hunger.claim(lender, 0, kNow);
        if (to) claimed[static_cast<size_t>(*to)].fetch_add(1);
        if (!to) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const size_t worker : {0u, 1u}) {
    CHECK(stated[worker] == kStatements);
    CHECK(claimed[worker] == kStatements);
  }
  CHECK_FALSE(hunger.is_stated_by_any());
}

// What makes lending lose nobody: either the releasing thread sees the statement, or the stating
// thread sees what was released.
TEST_CASE("a release and a statement never miss one another") {
  constexpr int kRounds = 20000;
  Hunger hunger(2);
  std::atomic<int> idle{0};
  std::atomic<int> arrived{0};
  std::atomic<int> missed{0};
  const auto meet = [&arrived](int round) {
    ++arrived;
    while (arrived < 2 * round) std::this_thread::yield();
  };
  std::atomic<bool> seen_by_release{false};
  std::thread release([&] {
    for (int i = 1; i <= kRounds; ++i) {
      meet(3 * i - 2);
      idle.store(1);
      seen_by_release = hunger.is_stated_by_any();
      meet(3 * i - 1);
      meet(3 * i);
    }
  });
  for (int i = 1; i <= kRounds; ++i) {
    meet(3 * i - 2);
    hunger.state(1, i);
    const bool seen_by_statement = idle.load() == 1;
    meet(3 * i - 1);
    if (!seen_by_release && !seen_by_statement) ++missed;
    hunger.withdraw(1);
    idle = 0;
    meet(3 * i);
  }
  release.join();
  CHECK(missed == 0);
}

}  // namespace remuda::proxy::hunger_test
