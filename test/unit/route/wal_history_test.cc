#include "route/wal_history.h"

#include "support/catch.h"

namespace remuda::route::wal_history_test {
namespace {

constexpr Micros kNow = 1000 * kSecond;

bool is(const Lag& lag, std::optional<Micros> time, std::optional<uint64_t> bytes) {
  return lag.time == time && lag.bytes == bytes;
}

}  // namespace

TEST_CASE("C5 37 who knows of no primary knows nothing of what a standby lacks") {
  const WalHistory history;
  CHECK(is(history.lag_of({}, kNow), std::nullopt, std::nullopt));
  CHECK(is(history.lag_of({.replayed = 5}, kNow), std::nullopt, std::nullopt));
  const StandbyPosition level{.received = 5, .replayed = 5, .replay_age = kSecond};
  CHECK(is(history.lag_of(level, kNow), std::nullopt, std::nullopt));
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

TEST_CASE("C5 37 a clock that is wrong makes no standby younger") {
  WalHistory history;
  for (int i = 0; i <= 10; ++i) history.note(kNow + i * kSecond, 100 + 10 * i, 1);
  const Micros now = kNow + 10 * kSecond + kSecond / 2;
  // It lacks what was written between 4 and 5 seconds ago, or later.
  const auto lag = [&](Micros age) {
    return history.lag_of({.received = 160, .replayed = 155, .replay_age = age}, now);
  };
  CHECK(is(lag(5 * kSecond), 5 * kSecond, 45));
  CHECK(is(lag(-3600 * kSecond), 5 * kSecond + kSecond / 2, 45));
  CHECK(is(lag(3600 * kSecond), 5 * kSecond + kSecond / 2, 45));
  const StandbyPosition ancient{.received = 90, .replayed = 90, .replay_age = -3600 * kSecond};
  CHECK(is(history.lag_of(ancient, now), 10 * kSecond + kSecond / 2, 110));
}

TEST_CASE("C5 37 a primary that is gone makes nobody later than it was seen last") {
  WalHistory history;
  history.note(kNow, 100, 1);
  history.note(kNow + 2 * kSecond, 200, 1);
  const Micros later = kNow + 3600 * kSecond;
  const StandbyPosition missing{.received = 150, .replayed = 150, .replay_age = 3599 * kSecond};
  CHECK(is(history.lag_of(missing, later, WalHistory::Source::gone), kSecond, 50));
  const StandbyPosition silent{.received = 150, .replayed = 150};
  CHECK(is(history.lag_of(silent, later, WalHistory::Source::gone), 2 * kSecond, 50));
  const StandbyPosition level{.received = 210, .replayed = 210, .replay_age = 3600 * kSecond};
  CHECK(is(history.lag_of(level, later, WalHistory::Source::gone), 0, 0));
}

TEST_CASE("what another standby has is the least that one lacks") {
  WalHistory history;
  history.note(kNow, 100, 0);
  history.note(kNow + 2 * kSecond, 200, 0);
  const auto lag = [&](uint64_t position) {
    return history.lag_of({.received = position, .replayed = position}, kNow + 3 * kSecond,
                          WalHistory::Source::standby);
  };
  CHECK(is(lag(150), 3 * kSecond, 50));
  CHECK(is(lag(200), std::nullopt, std::nullopt));
}

TEST_CASE("a primary at rest wrote when it was first seen there") {
  WalHistory history;
  history.note(kNow, 100, 1);
  for (int i = 1; i < 60; ++i) history.note(kNow + i * kSecond, 200, 1);
  // Since its first second, whatever the clock of the standby says.
  const StandbyPosition stopped{.received = 150, .replayed = 150, .replay_age = 0};
  CHECK(is(history.lag_of(stopped, kNow + 60 * kSecond), 60 * kSecond, 50));
  const StandbyPosition right{.received = 150, .replayed = 150, .replay_age = 59 * kSecond};
  CHECK(is(history.lag_of(right, kNow + 60 * kSecond), 59 * kSecond, 50));
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
