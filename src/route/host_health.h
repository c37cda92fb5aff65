// What becomes of a host as checks of it succeed and fail: up, down, behind, deposed; and when it
// is to be looked at again. Pure: time comes from the caller. One thread.
//
// A host of which nothing is known takes its first answer as it is. From then on `fall` failures in
// a row make it down and `rise` good answers make it up again; a role counts at once. A standby is
// lagging as soon as it could be beyond a limit before it is looked at again, until `rise` answers
// in a row were well within.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/time.h"
#include "route/host_role.h"

namespace remuda::route {

enum class HostState : uint8_t {
  unknown,     // not checked yet
  up,          // it may be used
  lagging,     // a standby too far behind
  superseded,  // it takes itself for the primary, but another one has followed it
  down,
};

constexpr const char* to_text(HostState state) noexcept {
  constexpr const char* kTexts[] = {"unknown", "up", "lagging", "superseded", "down"};
  return kTexts[static_cast<size_t>(state)];
}

struct HealthRules {
  int fall = 3;
  int rise = 2;
  Micros interval = 2 * kSecond;
  Micros fast_interval = 250 * kMillisecond;
  Micros max_lag = 0;          // 0: no limit
  uint64_t max_lag_bytes = 0;  // 0: no limit
};

struct HealthSample {
  enum class Answer : uint8_t {
    fine,
    refused,  // it lives, but does not let us in: nothing else is known
    failed,
  };
  Answer answer = Answer::failed;
  std::string reason = {};  // of a refusal or failure, for the log
  HostRole role = HostRole::unknown;
  bool is_superseded = false;
  std::optional<Micros> lag = {};
  std::optional<uint64_t> lag_bytes = {};
};

class HostHealth {
 public:
  // True if state or role is now another.
  bool observe(const HealthRules& rules, const HealthSample& sample, Micros now);
  // Somebody met what does not fit to what is known: to be checked at once.
  void suspect() noexcept { is_suspect_ = true; }
  // Another one has become the primary. True if that changed anything.
  bool supersede(Micros now);
  // A standby whose lag may have grown beyond the limit since it was last told. True if that
  // changed anything.
  bool expire(const HealthRules& rules, Micros now);
  // Its name leads elsewhere now: nothing is known of what is there.
  void move(std::string reason, Micros now);

  HostState state() const noexcept { return state_; }
  HostRole role() const noexcept { return role_; }
  Micros since() const noexcept { return since_; }  // that it has this state
  // Why it has this state.
  const std::string& reason() const noexcept { return reason_; }
  // Raised whenever it is no longer what servers were opened for.
  uint32_t epoch() const noexcept { return epoch_; }
  bool is_suspect() const noexcept { return is_suspect_; }
  // It may be on its way down.
  bool is_in_doubt() const noexcept { return is_suspect_ || failures_ > 0; }
  // On its way up or down.
  bool is_in_transition() const noexcept { return is_suspect_ || failures_ > 0 || successes_ > 0; }

  // When the next check is due, if the last one began at `last`. `in_a_hurry`: somebody waits for
  // what it may become.
  Micros next_check(const HealthRules& rules, Micros last, bool in_a_hurry) const noexcept;

 private:
  bool take_answer(const HealthRules& rules, const HealthSample& sample, Micros now);
  bool take_failure(const HealthRules& rules, const HealthSample& sample, Micros now);
  bool lags(const HealthRules& rules, const HealthSample& sample);
  bool enter(HostState state, std::string reason, Micros now);

  HostState state_ = HostState::unknown;
  HostRole role_ = HostRole::unknown;
  Micros since_ = 0;
  std::string reason_;
  uint32_t epoch_ = 0;
  int failures_ = 0;   // in a row, of a host that is not down
  int successes_ = 0;  // in a row, of one that is, or that lags
  bool is_suspect_ = false;
  bool was_suspect_ = false;   // at the last check
  std::optional<Micros> lag_;  // of a standby, as it was last told
  Micros told_ = 0;            // when
};

}  // namespace remuda::route
