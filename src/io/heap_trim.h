// Gives memory back to the kernel after much of it was freed, as when thousands of clients leave
// at once: malloc keeps what lies between blocks still in use. Owned by a Loop, used on its thread
// only. What takes and frees memory tells it roughly how much; while that goes up and down by
// little, as clients come and go, nothing happens.
#pragma once

#include <uv.h>

#include <cstddef>

#include "io/uv_ptr.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Loop;

class HeapTrim {
 public:
  // Less is not worth the walk over the heap.
  static constexpr size_t kWorthwhile = 1024 * 1024;
  // While memory is still being given back in this time, the trim is put off, kMostDelays times.
  static constexpr Micros kDelay = 200 * kMillisecond;
  static constexpr int kMostDelays = 10;
  // Between two trims.
  static constexpr Micros kPeriod = 5 * kSecond;

  explicit HeapTrim(Loop& loop) noexcept : loop_(loop) {}
  HeapTrim(const HeapTrim&) = delete;
  HeapTrim& operator=(const HeapTrim&) = delete;

  void taken(size_t bytes) noexcept;
  void given_back(size_t bytes) noexcept;
  bool is_scheduled() const noexcept;
  // How often the heap was trimmed.
  size_t trims() const noexcept { return trims_; }
  // Before the loop ends.
  void close() noexcept;

 private:
  bool is_due() const noexcept;
  void schedule(Micros delay) noexcept;
  void on_timer() noexcept;
  void trim() noexcept;

  Loop& loop_;
  UvPtr<uv_timer_t> timer_;  // once it was needed; does not keep the loop running
  Micros last_ = -kPeriod;
  size_t level_ = 0;
  size_t peak_ = 0;  // since the last trim
  size_t seen_ = 0;  // the level when the timer was started
  int delays_ = 0;
  size_t trims_ = 0;
  bool closed_ = false;
};

}  // namespace remuda::io
