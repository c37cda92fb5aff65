#include "io/heap_trim.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <system_error>

#include "io/loop.h"
#include "io/thread_pool.h"

namespace remuda::io {
namespace {

// The walk over the heap takes milliseconds and concerns the whole process: one at a time, off the
// loops, whichever loop asked first.
class Walk final : public PoolJob {
 public:
  void run() noexcept override {
    ::malloc_trim(0);
    is_running_.store(false);
  }
  void start(ThreadPool& pool, Micros now) {
    Micros last = last_.load();
    if (last != 0 && now - last < HeapTrim::kPeriod) return;
    if (!last_.compare_exchange_strong(last, now) || is_running_.exchange(true)) return;
    pool.submit(*this);
  }

 private:
  std::atomic<Micros> last_{0};
  std::atomic<bool> is_running_{false};
};

}  // namespace

void HeapTrim::taken(size_t bytes) noexcept {
  level_ += bytes;
  peak_ = std::max(peak_, level_);
}

// What was taken on another loop may be given back here, with a connection that has moved.
void HeapTrim::given_back(size_t bytes) noexcept {
  level_ -= std::min(level_, bytes);
  if (!is_due() || closed_ || is_scheduled()) return;
  delays_ = 0;
  schedule(std::max(kDelay, last_ + kPeriod - loop_.now()));
}

void HeapTrim::close() noexcept {
  closed_ = true;
  timer_.reset();
}

bool HeapTrim::is_due() const noexcept {
  return peak_ - level_ >= std::max(kWorthwhile, peak_ / 4);
}

bool HeapTrim::is_scheduled() const noexcept {
  return timer_ && uv_is_active(reinterpret_cast<uv_handle_t*>(timer_.get())) != 0;
}

void HeapTrim::schedule(Micros delay) noexcept {
  if (!timer_) {
    timer_ = make_uv<uv_timer_t>(
        "uv_timer_init()", [this](uv_timer_t* timer) { return uv_timer_init(loop_.raw(), timer); });
    timer_->data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(timer_.get()));
  }
  seen_ = level_;
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<HeapTrim*>(timer->data)->on_timer(); },
      static_cast<uint64_t>(delay / kMillisecond), 0);
}

void HeapTrim::on_timer() noexcept {
  if (!is_due()) return;  // those who came meanwhile have taken it all again
  if (level_ < seen_ && delays_++ < kMostDelays) return schedule(kDelay);
  trim();
}

// Blocks kept for reuse lie scattered among what was freed, and hold a page each.
void HeapTrim::trim() noexcept {
  loop_.blocks().drop_kept();
  peak_ = level_;
  last_ = loop_.now();
  ++trims_;
  static Walk walk;
  try {
    walk.start(loop_.pool(), last_);
  } catch (const std::system_error&) {
    // No thread to be had: then at the next departure.
  }
}

}  // namespace remuda::io
