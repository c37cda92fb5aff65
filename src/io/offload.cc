#include "io/offload.h"

#include "io/completions.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "remuda/base/error.h"

namespace remuda::io {
namespace {

Closed closed_error() {
  return Closed("shutting down");
}

}  // namespace

Task<void> OffloadLimit::enter() {
  if (running_ < most_) {
    ++running_;
    co_return;
  }
  if (closed_) throw closed_error();
  Waiter<void> place(loop_);
  struct Listed {
    std::deque<Waiter<void>*>& queue;
    Waiter<void>* waiter;
    ~Listed() { std::erase(queue, waiter); }
  };
  queue_.push_back(&place);
  const Listed listed{queue_, &place};
  const Deadline deadline(loop_, patience_, place, "client_login_timeout (too many are waiting)");
  co_await place.wait();
}

void OffloadLimit::leave() noexcept {
  // The place passes on, and running_ stays, unless nobody has patience left.
  while (!queue_.empty()) {
    Waiter<void>* next = queue_.front();
    queue_.pop_front();
    if (next->set()) return;
  }
  --running_;
}

void OffloadLimit::close() noexcept {
  closed_ = true;
  for (Waiter<void>* waiter : queue_) waiter->fail(std::make_exception_ptr(closed_error()));
}

void OffloadedWork::run() noexcept {
  try {
    compute();
  } catch (...) {
    error_ = std::current_exception();
  }
  completions_->report([](void* work) noexcept { static_cast<OffloadedWork*>(work)->done_->set(); },
                       this);
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
