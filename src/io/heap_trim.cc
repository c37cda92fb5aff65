#include "io/heap_trim.h"

#include <malloc.h>

#include <algorithm>

#include "io/loop.h"

namespace remuda::io {

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
  ::malloc_trim(0);
}

}  // namespace remuda::io
