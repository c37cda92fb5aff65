#include "route/wal_history.h"

#include <algorithm>

namespace remuda::route {
namespace {

uint64_t ahead(uint64_t position, uint64_t of) noexcept {
  return position > of ? position - of : 0;
}

}  // namespace

void WalHistory::note(Micros now, uint64_t position, uint32_t timeline) {
  const bool is_back = !points_.empty() && position < points_.back().position;
  if (timeline != timeline_ || is_back) points_.clear();
  timeline_ = timeline;
  // A primary at rest: that is where it still is.
  if (points_.size() > 1 && points_.back().position == position) {
    points_.back().when = now;
    return;
  }
  points_.push_back({now, position});
  if (points_.size() > kMost) points_.pop_front();
}

Lag WalHistory::lag_of(const StandbyPosition& standby, Micros now) const {
  Lag lag;
  if (!standby.replayed) return lag;
  const uint64_t replayed = *standby.replayed;
  // What it has received already it can only not have had the time for.
  const uint64_t unreplayed = ahead(standby.received.value_or(replayed), replayed);
  const uint64_t missing = points_.empty() ? 0 : ahead(points_.back().position, replayed);
  if (points_.empty() && !standby.received) return lag;
  lag.bytes = std::max(unreplayed, missing);
  if (*lag.bytes == 0) {
    lag.time = 0;
    return lag;
  }
  lag.time = standby.replay_age;
  const auto after = std::find_if(points_.begin(), points_.end(), [replayed](const Point& point) {
    return point.position > replayed;
  });
  if (after == points_.begin()) return lag;
  const Micros bound = now - std::prev(after)->when;
  lag.time = std::min(lag.time.value_or(bound), bound);
  return lag;
}

}  // namespace remuda::route
