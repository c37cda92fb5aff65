// Waiter<T>: one wait of one task for one value that somebody else on the same loop will set.
// Pool queueing, gather and offload are built on it. It lives in the frame of the waiting task (or
// longer); whoever is to set it holds a reference until then and forgets it afterwards.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "io/interruptible.h"
#include "io/loop.h"

namespace remuda::io {

class WaiterBase : public Interruptible {
 public:
  explicit WaiterBase(Loop& loop) noexcept : loop_(loop) {}
  WaiterBase(const WaiterBase&) = delete;
  WaiterBase& operator=(const WaiterBase&) = delete;

  bool is_settled() const noexcept { return settled_; }
  // The wait throws `why`, unless it is settled already. The task is resumed later, from the loop.
  void fail(std::exception_ptr why) noexcept;
  void interrupt(std::exception_ptr why) noexcept override { fail(std::move(why)); }

 protected:
  ~WaiterBase();
  void suspend(std::coroutine_handle<> waiting) noexcept;
  void settle() noexcept;
  void finish();

 private:
  Loop& loop_;
  std::coroutine_handle<> waiting_;
  std::exception_ptr error_;
  bool settled_ = false;
};

template <class T = void>
class Waiter final : public WaiterBase {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  using WaiterBase::WaiterBase;

  // Gives the waiting task its value. False, and the value is not moved from, if the wait was
  // settled before: by a deadline, say. Safe in any callback: the task is resumed later.
  [[nodiscard]] bool set(Value&& value) {
    if (is_settled()) return false;
    value_.emplace(std::move(value));
    settle();
    return true;
  }
  bool set() requires std::is_void_v<T> { return set(Value()); }

  class Wait {
   public:
    explicit Wait(Waiter& waiter) noexcept : waiter_(waiter) {}
    bool await_ready() const noexcept { return waiter_.is_settled(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { waiter_.suspend(waiting); }
    T await_resume() {
      waiter_.finish();
      if constexpr (!std::is_void_v<T>) return std::move(*waiter_.value_);
    }

   private:
    Waiter& waiter_;
  };

  // `auto value = co_await waiter.wait();` once. Throws what fail() was given.
  [[nodiscard]] Wait wait() noexcept { return Wait(*this); }

 private:
  std::optional<Value> value_;
};

}  // namespace remuda::io
