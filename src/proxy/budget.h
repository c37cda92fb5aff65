// A limit that all workers share, and how much of it is used. Touched when a connection opens or
// closes, never per query. Any thread; atomics only.
#pragma once

#include <atomic>
#include <cstdint>

namespace remuda::proxy {

class Budget {
 public:
  // Zero or less means unlimited. A lowered limit refuses until enough has been given back.
  void set_limit(int limit) noexcept { limit_.store(limit); }
  int limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  int used() const noexcept { return used_.load(std::memory_order_relaxed); }

  // Takes one if the limit, or the limit plus an extra allowance, permits.
  bool take(int extra = 0) noexcept {
    const int limit = limit_.load();
    int used = used_.load();
    do {
      if (limit > 0 && used >= limit + extra) return false;
    } while (!used_.compare_exchange_weak(used, used + 1));
    return true;
  }

  void give_back() noexcept { used_.fetch_sub(1); }

  // Workers that found no room, as bits. Set before a last try, read after giving back: one of the
  // two sees the other, so nobody is forgotten.
  void want(int worker) noexcept {
    const uint64_t bit = uint64_t{1} << worker;
    if ((hungry_.load() & bit) == 0) hungry_.fetch_or(bit);
  }
  bool is_full() const noexcept {
    const int limit = limit_.load();
    return limit > 0 && used_.load() >= limit;
  }
  // A worker's try would fail, and has failed before: it will be woken.
  bool is_full_and_wanted(int worker, int extra) const noexcept {
    const int limit = limit_.load();
    return limit > 0 && used_.load() >= limit + extra &&
           (hungry_.load() & (uint64_t{1} << worker)) != 0;
  }
  uint64_t take_hungry() noexcept { return hungry_.load() == 0 ? 0 : hungry_.exchange(0); }

 private:
  std::atomic<int> used_{0};
  std::atomic<int> limit_{0};
  std::atomic<uint64_t> hungry_{0};
};

}  // namespace remuda::proxy
