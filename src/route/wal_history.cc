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
  const size_t count = points_.size();
  if (count > 1 && points_[count - 1].position == position &&
      points_[count - 2].position == position) {
    points_.back().when = now;
    return;
  }
  points_.push_back({now, position});
  if (points_.size() > kMost) points_.pop_front();
}

Lag WalHistory::lag_of(const StandbyPosition& standby, Micros now, Source source) const {
  Lag lag;
  if (!standby.replayed || points_.empty()) return lag;
  // What it has received already it can only not have had the time for.
  const uint64_t received = standby.received.value_or(0);
  const uint64_t known = std::max(points_.back().position, received);
  const uint64_t bytes = ahead(known, *standby.replayed);
  // Another standby may lack the same.
  if (bytes == 0 && source == Source::standby) return lag;
  lag.bytes = bytes;
  lag.time = bytes == 0 ? 0 : time_behind(standby, now, source);
  return lag;
}

std::optional<Micros> WalHistory::time_behind(const StandbyPosition& standby, Micros now,
                                              Source source) const {
  const Micros until = source == Source::gone ? points_.back().when : now;
  std::optional<Micros> told = standby.replay_age;
  if (told) *told -= now - until;
  const auto after = std::find_if(points_.begin(), points_.end(), [&](const Point& point) {
    return point.position > *standby.replayed;
  });
  const Micros least = after == points_.end() ? 0 : until - after->when;
  if (after == points_.begin()) return told ? std::max(*told, least) : told;
  const Micros most = until - std::prev(after)->when;
  return told && *told >= least && *told <= most ? *told : most;
}

}  // namespace remuda::route
