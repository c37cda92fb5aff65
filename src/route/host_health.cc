#include "route/host_health.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace remuda::route {
namespace {

// After an alarm: the time in which a server that ends has closed its last connection.
constexpr Micros kSoon = 20 * kMillisecond;

template <class T>
bool exceeds(const std::optional<T>& lag, T limit) noexcept {
  return limit > 0 && lag && *lag > limit;
}

// A lagging host comes back when it is this far below what made it lag.
template <class T>
T ease(T limit) noexcept {
  return limit / 5;
}

// What a standby may be behind when it is looked at: it falls back further until the next look.
Micros usable(const HealthRules& rules) noexcept {
  return rules.max_lag - std::min(2 * rules.fast_interval, rules.max_lag / 4);
}

// Behind, though nobody can tell for how long.
bool is_ancient(const HealthRules& rules, const HealthSample& sample) noexcept {
  return rules.max_lag > 0 && !sample.lag && sample.lag_bytes.value_or(0) > 0;
}

std::string lag_text(const HealthSample& sample) {
  std::string text = "behind the primary";
  if (sample.lag) text += fmt::format(" by {} ms", *sample.lag / kMillisecond);
  if (sample.lag_bytes) text += fmt::format(", {} bytes", *sample.lag_bytes);
  return text;
}

}  // namespace

bool HostHealth::observe(const HealthRules& rules, const HealthSample& sample, Micros now) {
  was_suspect_ = std::exchange(is_suspect_, false);
  switch (sample.answer) {
    case HealthSample::Answer::fine:
      return take_answer(rules, sample, now);
    case HealthSample::Answer::refused:
      successes_ = 0;
      // Who has been let in before knows more than that one login failed.
      return state_ == HostState::unknown && enter(HostState::down, sample.reason, now);
    case HealthSample::Answer::failed:
      break;
  }
  return take_failure(rules, sample, now);
}

bool HostHealth::expire(const HealthRules& rules, Micros now) {
  const bool is_limited = state_ == HostState::up && rules.max_lag > 0 && lag_;
  if (!is_limited || now - told_ + *lag_ <= usable(rules)) return false;
  return enter(HostState::lagging, "its lag was not known in time", now);
}

void HostHealth::move(std::string reason, Micros now) {
  enter(HostState::unknown, std::move(reason), now);
  role_ = HostRole::unknown;
  failures_ = successes_ = 0;
  lag_.reset();
}

bool HostHealth::supersede(Micros now) {
  if (role_ != HostRole::primary || state_ == HostState::down) return false;
  return enter(HostState::superseded, "another host has become the primary", now);
}

Micros HostHealth::next_check(const HealthRules& rules, Micros last,
                              bool in_a_hurry) const noexcept {
  // Who raises alarms again and again for nothing does not have it checked all the time.
  if (is_suspect_ && failures_ == 0 && !was_suspect_) {
    return last + std::min(kSoon, rules.fast_interval);
  }
  const bool is_near = state_ == HostState::up && rules.max_lag > 0 && lag_ > rules.max_lag / 2;
  const bool is_fast = in_a_hurry || is_near || is_in_transition();
  return last + (is_fast ? std::min(rules.fast_interval, rules.interval) : rules.interval);
}

bool HostHealth::take_answer(const HealthRules& rules, const HealthSample& sample, Micros now) {
  failures_ = 0;
  if (state_ == HostState::down && ++successes_ < rules.rise) return false;
  if (state_ != HostState::lagging) successes_ = 0;
  const bool is_other_role = sample.role != role_;
  // A new role takes effect even where the state stays: what was opened before is of no use.
  if (is_other_role && state_ == HostState::up) ++epoch_;
  role_ = sample.role;
  lag_ = role_ == HostRole::standby ? sample.lag : std::nullopt;
  told_ = now;
  bool changed = is_other_role;
  if (sample.is_superseded && role_ == HostRole::primary) {
    changed |= enter(HostState::superseded, "another host has become the primary", now);
  } else if (role_ == HostRole::standby && lags(rules, sample)) {
    changed |= enter(HostState::lagging, lag_text(sample), now);
  } else {
    changed |= enter(HostState::up, "", now);
  }
  return changed;
}

bool HostHealth::take_failure(const HealthRules& rules, const HealthSample& sample, Micros now) {
  successes_ = 0;
  if (state_ == HostState::down) {
    reason_ = sample.reason;
    return false;
  }
  if (state_ != HostState::unknown && ++failures_ < rules.fall) return false;
  return enter(HostState::down, sample.reason, now);
}

// With hysteresis, or a host near the limit would come and go. Where the lag is not known, as the
// primary is away, what was true stays true: reads go on.
bool HostHealth::lags(const HealthRules& rules, const HealthSample& sample) {
  const Micros time = usable(rules);
  const uint64_t bytes = rules.max_lag_bytes;
  const bool is_late =
      exceeds(sample.lag, time) || exceeds(sample.lag_bytes, bytes) || is_ancient(rules, sample);
  if (state_ != HostState::lagging) return is_late;
  const bool is_known =
      (rules.max_lag <= 0 || sample.lag) && (rules.max_lag_bytes == 0 || sample.lag_bytes);
  const bool is_near = exceeds(sample.lag, time - ease(rules.max_lag)) ||
                       exceeds(sample.lag_bytes, bytes - ease(bytes));
  successes_ = is_known && !is_near ? successes_ + 1 : 0;
  return successes_ < rules.rise;
}

bool HostHealth::enter(HostState state, std::string reason, Micros now) {
  reason_ = std::move(reason);
  if (state_ == state) return false;
  if (state_ == HostState::up) ++epoch_;
  state_ = state;
  since_ = now;
  failures_ = successes_ = 0;
  return true;
}

}  // namespace remuda::route
