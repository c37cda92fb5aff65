// Which workers of one pool wait for a server that another worker has: the shared half of lending
// (src/README.md, "Lending"). A worker states its hunger with the arrival of its oldest waiter; who
// has a free server claims the oldest statement, and only one claims it. Any thread: atomics only.
//
// Nobody is forgotten: a statement is made before the others are told to look, so a server that was
// idle before is found by that look, and one that becomes free later meets the statement.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "remuda/base/time.h"

namespace remuda::proxy {

class Hunger {
 public:
  // Who waits here for no longer than this asks nobody else.
  static constexpr Micros kPatience = 2 * kMillisecond;
  // Between workers nobody is overtaken by more than patience and this share of its own wait. In a
  // queue that is long everywhere, smaller differences are no reason to send servers to and fro.
  static constexpr Micros kShare = 4;

  explicit Hunger(size_t workers) : heads_(std::make_unique<std::atomic<Micros>[]>(workers)) {}

  // One load, as every release asks.
  bool is_stated_by_any() const noexcept { return mask_.load() != 0; }
  bool is_stated_by(int worker) const noexcept { return (mask_.load() & bit(worker)) != 0; }

  // For the worker itself. `head`: when its oldest waiter came, monotonic. True if it was not
  // stated: the others are then to be told.
  bool state(int worker, Micros head) noexcept;
  void withdraw(int worker) noexcept;
  // The oldest waiter is another now; whether anything is stated remains as it is.
  void set_head(int worker, Micros head) noexcept {
    heads_[static_cast<size_t>(worker)].store(head, std::memory_order_release);
  }

  // For a worker with a free server. `own_head`: when its own oldest waiter came, 0 without one.
  // Whoever is returned gets the server; nothing if the server had better stay.
  std::optional<int> claim(int lender, Micros own_head, Micros now) noexcept;
  // Of what is stated; 0: nothing is.
  Micros oldest_head() const noexcept;
  // The claimed server was not to be had after all.
  void restore(int worker) noexcept { mask_.fetch_or(bit(worker)); }

 private:
  static constexpr uint64_t bit(int worker) noexcept { return uint64_t{1} << worker; }

  std::atomic<uint64_t> mask_{0};
  std::unique_ptr<std::atomic<Micros>[]> heads_;
};

}  // namespace remuda::proxy
