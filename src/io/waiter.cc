#include "io/waiter.h"

#include "remuda/base/error.h"

namespace remuda::io {

WaiterBase::~WaiterBase() {
  REMUDA_CHECK(!waiting_);
}

void WaiterBase::fail(std::exception_ptr why) noexcept {
  if (settled_) return;
  error_ = std::move(why);
  settle();
}

void WaiterBase::suspend(std::coroutine_handle<> waiting) noexcept {
  REMUDA_CHECK(!waiting_);
  waiting_ = waiting;
}

void WaiterBase::settle() noexcept {
  settled_ = true;
  if (waiting_) loop_.resume_later(waiting_);
}

void WaiterBase::finish() {
  waiting_ = nullptr;
  if (error_) std::rethrow_exception(error_);
}

}  // namespace remuda::io
