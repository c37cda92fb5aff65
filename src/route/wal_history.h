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

  // The primary was here, or a standby has that much of it (timeline 0). On another timeline what
  // was known before is forgotten.
  void note(Micros now, uint64_t position, uint32_t timeline);
  bool is_of_primary() const noexcept { return timeline_ != 0 && !points_.empty(); }
  uint64_t last_position() const noexcept { return points_.empty() ? 0 : points_.back().position; }

  // Whose history this is.
  enum class Source : uint8_t {
    primary,
    gone,     // a primary that does not answer: nobody falls behind it any more
    standby,  // one of them, as no primary is known: others lack at least what it has
  };

  // What was missing when the primary was seen last, and the age of the oldest of it. That lies
  // between two looks at the primary; where the clock of the standby says when, it is believed
  // within these bounds only. No time: the standby is behind all that is known.
  Lag lag_of(const StandbyPosition& standby, Micros now, Source source = Source::primary) const;

 private:
  struct Point {
    Micros when;
    uint64_t position;
  };
  std::optional<Micros> time_behind(const StandbyPosition& standby, Micros now,
                                    Source source) const;

  std::deque<Point> points_;  // in order of both; of a rest the beginning and the end
  uint32_t timeline_ = 0;
};

}  // namespace remuda::route
