#include "io/offload.h"

#include "io/completions.h"
#include "io/loop.h"

namespace remuda::io {

Task<void> OffloadLimit::enter() {
  if (running_ < most_) {
    ++running_;
    co_return;
  }
  Waiter<void> place(loop_);
  queue_.push_back(&place);
  co_await place.wait();
}

void OffloadLimit::leave() noexcept {
  if (queue_.empty()) {
    --running_;
    return;
  }
  // The place passes on: running_ stays.
  Waiter<void>* next = queue_.front();
  queue_.pop_front();
  next->set();
}

void OffloadedWork::run() noexcept {
  try {
    compute();
  } catch (...) {
    error_ = std::current_exception();
  }
  completions_->report(
      [](void* work) noexcept { static_cast<OffloadedWork*>(work)->done_->set(); }, this);
}

Task<void> OffloadedWork::finish(Loop& loop) {
  Waiter<void> done(loop);
  done_ = &done;
  completions_ = &loop.completions();
  loop.pool().submit(*this);
  completions_->expect();
  co_await done.wait();
  if (error_) std::rethrow_exception(error_);
}

}  // namespace remuda::io
