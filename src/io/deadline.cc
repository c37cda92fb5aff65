#include "io/deadline.h"

#include <utility>

#include "io/task_scope.h"
#include "io/waiter.h"

namespace remuda::io {

Deadline::Deadline(Loop& loop, Micros delay, std::string what)
    : timer_(loop), what_(std::move(what)) {
  reset(delay);
}

Deadline::Deadline(Loop& loop, Micros delay, Interruptible& target, std::string what)
    : Deadline(loop, delay, std::move(what)) {
  target_ = &target;
}

void Deadline::reset(Micros delay) {
  expired_ = false;
  timer_.stop();
  if (delay > 0) timer_.start(delay, [this] { expire(); });
}

void Deadline::aim(Interruptible* target) noexcept {
  target_ = target;
  if (expired_) expire();
}

void Deadline::interrupt(std::exception_ptr why) noexcept {
  if (target_ != nullptr) target_->interrupt(std::move(why));
}

void Deadline::expire() noexcept {
  expired_ = true;
  if (target_ != nullptr) target_->interrupt(std::make_exception_ptr(TimedOut(what_)));
}

Deadline::Aim::Aim(Deadline& deadline, Interruptible& target) noexcept
    : deadline_(deadline), before_(deadline.target_) {
  deadline_.aim(&target);
}

Task<void> sleep_for(Loop& loop, Micros delay, TaskScope* scope) {
  Waiter<void> waiter(loop);
  const CloseLink link(scope, waiter);
  Timer timer(loop);
  timer.start(delay, [&waiter] { waiter.set(); });
  co_await waiter.wait();
}

}  // namespace remuda::io
