// Heavy or blocking work on the thread pool: `auto r = co_await offload(loop, work);`. The
// result, or what it threw, comes back on the loop. A wait for it cannot be interrupted.
#pragma once

#include <deque>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "io/loop.h"
#include "io/task.h"
#include "io/thread_pool.h"
#include "io/waiter.h"
#include "remuda/base/time.h"

namespace remuda::io {

// At most so many pieces of work of one class at a time, per loop, so that they cannot fill the
// thread pool; the others wait in order, with a patience: whoever asked may long be gone. Loop
// thread.
class OffloadLimit {
 public:
  OffloadLimit(Loop& loop, size_t most) noexcept : loop_(loop), most_(most) {}
  OffloadLimit(const OffloadLimit&) = delete;
  OffloadLimit& operator=(const OffloadLimit&) = delete;

  size_t running() const noexcept { return running_; }
  size_t queued() const noexcept { return queue_.size(); }

  // How long one waits for a place; 0: for ever.
  void set_patience(Micros patience) noexcept { patience_ = patience; }
  // A place: given back by leave(). Throws TimedOut when patience ends, Closed when closed.
  Task<void> enter();
  void leave() noexcept;
  // Whoever waits, now or later, gets Closed. What runs goes on. Idempotent.
  void close() noexcept;

 private:
  Loop& loop_;
  const size_t most_;
  Micros patience_ = 0;
  bool closed_ = false;
  size_t running_ = 0;
  std::deque<Waiter<void>*> queue_;
};

// Gives a place back when it dies.
class OffloadPlace {
 public:
  explicit OffloadPlace(OffloadLimit* limit) noexcept : limit_(limit) {}
  ~OffloadPlace() {
    if (limit_ != nullptr) limit_->leave();
  }
  OffloadPlace(const OffloadPlace&) = delete;
  OffloadPlace& operator=(const OffloadPlace&) = delete;

 private:
  OffloadLimit* limit_;
};

// One piece of work, untyped: the pool has it computed, then the loop resumes who waits.
class OffloadedWork : private PoolJob {
 public:
  OffloadedWork() = default;
  OffloadedWork(const OffloadedWork&) = delete;
  OffloadedWork& operator=(const OffloadedWork&) = delete;

  // Has the pool run it, and completes afterwards, on the loop. Throws what it threw.
  Task<void> finish(Loop& loop);

 protected:
  ~OffloadedWork() = default;
  virtual void compute() = 0;

 private:
  void run() noexcept final;

  Completions* completions_ = nullptr;
  Waiter<void>* done_ = nullptr;
  std::exception_ptr error_;
};

template <class F>
class OffloadedCall final : public OffloadedWork {
 public:
  using Result = std::invoke_result_t<F&>;

  explicit OffloadedCall(F& call) noexcept : call_(call) {}
  Result take() {
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  using Stored = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;
  void compute() override {
    if constexpr (std::is_void_v<Result>) {
      call_();
    } else {
      result_.emplace(call_());
    }
  }

  F& call_;
  std::optional<Stored> result_;
};

// Runs `call` on a pool thread; it may capture by reference what lives in the awaiting frame.
// Name the callable first (`auto work = [&] {...};`): no braces in an awaited call.
template <class F>
Task<std::invoke_result_t<F&>> offload(Loop& loop, F call, OffloadLimit* limit = nullptr) {
  if (limit != nullptr) co_await limit->enter();
  const OffloadPlace place(limit);
  OffloadedCall<F> work(call);
  co_await work.finish(loop);
  co_return work.take();
}

}  // namespace remuda::io
