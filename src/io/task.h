// Task<T>: the result of a coroutine of the control plane. It starts at once and runs until it has
// to wait; one that never waits completes without suspending its caller. Awaited exactly once, or
// given to a TaskScope, on the loop it started on. A suspended frame is never destroyed: to cancel
// is to interrupt what it waits for, and it unwinds. Owned by the awaiting frame.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "remuda/base/error.h"

namespace remuda::io {

template <class T>
class Task;

// What the promises of all tasks share: who waits, and what was thrown.
class TaskPromiseBase {
 public:
  // Passes control to the waiting coroutine, if one waits already.
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      const std::coroutine_handle<> waiting = done.promise().waiting_;
      return waiting ? waiting : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_never initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  void set_waiting(std::coroutine_handle<> waiting) noexcept {
    REMUDA_CHECK(!waiting_);
    waiting_ = waiting;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  // Only a task that has ended may go.
  ~Task() {
    if (!handle_) return;
    REMUDA_CHECK(handle_.done());
    handle_.destroy();
  }

  bool is_done() const noexcept { return handle_.done(); }

  bool await_ready() const noexcept { return handle_.done(); }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().set_waiting(waiting);
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}

inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

}  // namespace remuda::io
