#include "io/task_scope.h"

#include "remuda/base/log.h"

namespace remuda::io {

// The coroutine at the root of a spawned task: it owns the task and frees itself at its end.
struct TaskScope::Root {
  struct promise_type {
    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

TaskScope::TaskScope(Loop& loop, std::string name) : loop_(loop), name_(std::move(name)) {}

TaskScope::~TaskScope() {
  REMUDA_CHECK(size_ == 0);
}

void TaskScope::spawn(Task<void> task) {
  ++size_;
  run(*this, std::move(task));
}

TaskScope::Root TaskScope::run(TaskScope& scope, Task<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    scope.log_escaped();
  }
  scope.task_ended();
}

void TaskScope::log_escaped() const noexcept {
  try {
    throw;
  } catch (const Closed& error) {
    log::debug("{}: {}", name_, error.what());
  } catch (const TimedOut& error) {
    log::debug("{}: {}", name_, error.what());
  } catch (const std::exception& error) {
    log::warning("{}: {}", name_, error.what());
  } catch (...) {
    log::warning("{}: unknown exception", name_);
  }
}

void TaskScope::task_ended() {
  if (--size_ > 0) return;
  if (emptied_ != nullptr) std::exchange(emptied_, nullptr)->set();
  // Last, as it may destroy the scope.
  if (when_empty_) std::exchange(when_empty_, nullptr)();
}

std::exception_ptr TaskScope::closed_error() noexcept {
  return std::make_exception_ptr(Closed("shutting down"));
}

void TaskScope::close() noexcept {
  if (closing_) return;
  closing_ = true;
  // Interrupting resumes nobody, so the list stays as it is meanwhile.
  for (CloseLink& link : links_) link.target_.interrupt(closed_error());
}

Task<void> TaskScope::emptied() {
  if (size_ == 0) co_return;
  REMUDA_CHECK(emptied_ == nullptr);
  Waiter<void> waiter(loop_);
  emptied_ = &waiter;
  co_await waiter.wait();
}

void TaskScope::when_empty(std::function<void()> callback) {
  if (size_ == 0) {
    callback();
  } else {
    when_empty_ = std::move(callback);
  }
}

CloseLink::CloseLink(TaskScope* scope, Interruptible& target) noexcept
    : scope_(scope), target_(target) {
  if (scope_ == nullptr) return;
  scope_->links_.push_back(*this);
  if (scope_->closing_) target_.interrupt(TaskScope::closed_error());
}

CloseLink::~CloseLink() {
  if (scope_ != nullptr) scope_->links_.erase(*this);
}

}  // namespace remuda::io
