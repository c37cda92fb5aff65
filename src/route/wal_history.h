// Where a cluster's primary was at which time, and how far a standby is behind it. What a standby
// says of itself is not enough: one that has lost its connection has replayed all it ever received.
// Pure: time comes from the caller. One thread.
// PostgreSQL manual, System Administration Functions, Recovery Control Functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "remuda/base/time.h"

namespace remuda::route {

// What a standby says of itself; positions in bytes of WAL.
struct StandbyPosition {
  std::optional<uint64_t> received;
  std::optional<uint64_t> replayed;
  std::optional<Micros> replay_age;  // since the last transaction it replayed was committed
};

// Nothing: not known.
struct Lag {
  std::optional<Micros> time;
  std::optional<uint64_t> bytes;
};

class WalHistory {
 public:
  static constexpr size_t kMost = 512;

  // The primary was here. On another timeline what was known before is forgotten.
  void note(Micros now, uint64_t position, uint32_t timeline);
  bool is_empty() const noexcept { return points_.empty(); }

  // Both are what the standby is behind at least, as far as the last look at the primary can tell;
  // the time is the smaller of what its own clock and the history say.
  Lag lag_of(const StandbyPosition& standby, Micros now) const;

 private:
  struct Point {
    Micros when;
    uint64_t position;
  };
  std::deque<Point> points_;  // in order of both
  uint32_t timeline_ = 0;
};

}  // namespace remuda::route
