#include "route/wal_history.h"

#include "support/catch.h"

namespace remuda::route::wal_history_test {
namespace {

constexpr Micros kNow = 1000 * kSecond;

bool is(const Lag& lag, std::optional<Micros> time, std::optional<uint64_t> bytes) {
  return lag.time == time && lag.bytes == bytes;
}

}  // namespace

TEST_CASE("without a primary a standby is believed what it says of itself") {
  const WalHistory history;
  CHECK(is(history.lag_of({}, kNow), std::nullopt, std::nullopt));
  CHECK(is(history.lag_of({.replayed = 5}, kNow), std::nullopt, std::nullopt));
  CHECK(is(history.lag_of({.received = 5, .replayed = 5, .replay_age = kSecond}, kNow), 0, 0));
  CHECK(
      is(history.lag_of({.received = 8, .replayed = 5, .replay_age = kSecond}, kNow), kSecond, 3));
}

TEST_CASE(
    "C5 37 a standby that has lost its primary is behind, though it has replayed all it has") {
  WalHistory history;
  history.note(kNow, 100, 1);
  history.note(kNow + 2 * kSecond, 150, 1);
  history.note(kNow + 4 * kSecond, 200, 1);
  const StandbyPosition lost{.received = 120, .replayed = 120, .replay_age = 60 * kSecond};
  // It had what the primary had at first, and not what came next.
  CHECK(is(history.lag_of(lost, kNow + 5 * kSecond), 5 * kSecond, 80));
}

TEST_CASE("a primary that writes nothing makes nobody late") {
  WalHistory history;
  for (int i = 0; i < 10; ++i) history.note(kNow + i * kSecond, 100, 1);
  const StandbyPosition standby{.received = 100, .replayed = 100, .replay_age = 3600 * kSecond};
  CHECK(is(history.lag_of(standby, kNow + 20 * kSecond), 0, 0));
  // Its first write after a long rest: the age of the last transaction says nothing.
  history.note(kNow + 10 * kSecond, 110, 1);
  CHECK(is(history.lag_of(standby, kNow + 11 * kSecond), 2 * kSecond, 10));
}

TEST_CASE("a standby that is older than all that is known has its own clock") {
  WalHistory history;
  history.note(kNow, 100, 1);
  CHECK(is(history.lag_of({.received = 10, .replayed = 10, .replay_age = 9 * kSecond}, kNow),
           9 * kSecond, 90));
  CHECK(is(history.lag_of({.received = 10, .replayed = 10}, kNow), std::nullopt, 90));
}

TEST_CASE("what is received but not replayed counts before the primary is asked again") {
  WalHistory history;
  history.note(kNow, 100, 1);
  CHECK(is(history.lag_of({.received = 130, .replayed = 100, .replay_age = 3 * kSecond},
                          kNow + 2 * kSecond),
           2 * kSecond, 30));
}

TEST_CASE("a new timeline, or a position that goes back, begins anew") {
  WalHistory history;
  history.note(kNow, 100, 1);
  history.note(kNow + kSecond, 90, 2);
  CHECK(is(history.lag_of({.received = 90, .replayed = 90}, kNow + kSecond), 0, 0));
  history.note(kNow + 2 * kSecond, 50, 2);
  CHECK(is(history.lag_of({.received = 50, .replayed = 50}, kNow + 2 * kSecond), 0, 0));
}

TEST_CASE("the history is bounded") {
  WalHistory history;
  for (uint64_t i = 0; i < 10 * WalHistory::kMost; ++i) {
    history.note(kNow + static_cast<Micros>(i), 100 + i, 1);
  }
  CHECK(is(history.lag_of({.received = 1, .replayed = 1}, kNow), std::nullopt,
           10 * WalHistory::kMost + 98));
}

}  // namespace remuda::route::wal_history_test
