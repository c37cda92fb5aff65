// Which pools wait for room under a limit that they share, and since when: whoever has waited
// longest is served first, on whatever worker. A part of a pool claims when it finds the limit
// full, and withdraws when it has what it needs or could not use it. Any thread: one load while
// nobody claims, else a mutex.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "proxy/budget.h"
#include "remuda/base/time.h"

namespace remuda::proxy {

struct Ledger;

class Claims {
 public:
  struct Claim {
    const Ledger* pool;
    int worker;
    Micros since;  // when the oldest of those came who wait there, monotonic
  };

  // Replaces what that part of the pool has stated before.
  void state(const Claim& claim);
  void withdraw(const Ledger* pool, int worker);
  // Of all claims the one that has waited longest; nothing without any.
  std::optional<Claim> first() const;
  // When the first one came; 0: nobody claims. One load.
  Micros oldest() const noexcept { return oldest_.load(); }
  // Whether another pool has waited for longer than since then; 0: anybody has.
  bool is_another_older(const Ledger* pool, Micros since) const;

 private:
  std::optional<Claim> find_first() const;
  void forget(const Ledger* pool, int worker);

  std::atomic<Micros> oldest_{0};
  mutable std::mutex mutex_;  // guards all below
  std::vector<Claim> claims_;
};

// A limit of servers that several pools share.
class SharedBudget : public Budget {
 public:
  Claims claims;
};

}  // namespace remuda::proxy
