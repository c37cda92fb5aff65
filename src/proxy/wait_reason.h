// Why clients of a pool wait for a server. Every wait has a reason, from its first moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "remuda/base/time.h"

namespace remuda::proxy {

enum class WaitReason : uint8_t {
  pool_full,           // pool_size servers are busy
  database_limit,      // max_db_connections
  user_limit,          // max_user_connections
  server_login,        // a server is being opened, checked or reset
  server_unavailable,  // the last attempt failed; the next comes after server_login_retry
  paused,              // PAUSE
  failover,            // no host has the role that is wanted
};
constexpr size_t kWaitReasons = 7;

constexpr const char* to_text(WaitReason reason) noexcept {
  constexpr const char* kTexts[kWaitReasons] = {"pool full",    "database limit",     "user limit",
                                                "server login", "server unavailable", "paused",
                                                "failover"};
  return kTexts[static_cast<size_t>(reason)];
}

// Counts and times the waits of one pool. All waiters of a pool wait for the same reason at a time,
// so the time of all of them is kept by multiplying. One thread.
class WaitClock {
 public:
  struct Sum {
    uint64_t count = 0;  // waits that began, or went on, under this reason
    Micros time = 0;     // summed over all waiters
  };

  // Call before the number of waiters or the reason changes.
  void advance(Micros now, size_t waiters) noexcept {
    at(reason_).time += (now - since_) * static_cast<Micros>(waiters);
    since_ = now;
  }
  void begin_wait() noexcept { ++at(reason_).count; }
  void set_reason(Micros now, size_t waiters, WaitReason reason) noexcept {
    if (reason == reason_) return;
    advance(now, waiters);
    reason_ = reason;
    at(reason_).count += waiters;
  }
  WaitReason reason() const noexcept { return reason_; }
  const std::array<Sum, kWaitReasons>& sums() const noexcept { return sums_; }

 private:
  Sum& at(WaitReason reason) noexcept { return sums_[static_cast<size_t>(reason)]; }

  std::array<Sum, kWaitReasons> sums_{};
  WaitReason reason_ = WaitReason::pool_full;
  Micros since_ = 0;
};

}  // namespace remuda::proxy
