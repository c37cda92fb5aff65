// TaskScope: the nursery of tasks that nobody awaits. Its owner closes it, and waits until it is
// empty, before it dies. One loop.
#pragma once

#include <functional>
#include <string>

#include "io/interruptible.h"
#include "io/task.h"
#include "io/waiter.h"
#include "remuda/base/list.h"

namespace remuda::io {

struct CloseLinkTag;
class CloseLink;

class TaskScope {
 public:
  // The name stands in the log before what escapes from a task.
  TaskScope(Loop& loop, std::string name);
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Keeps the task until it ends. What it throws is logged: Closed and TimedOut at debug level.
  void spawn(Task<void> task);
  size_t size() const noexcept { return size_; }
  bool is_closing() const noexcept { return closing_; }

  // Interrupts, with Closed, whatever tasks have linked by a CloseLink, now and later. Idempotent.
  void close() noexcept;
  // Completes when the scope is empty. One caller at a time.
  Task<void> emptied();
  // Called once, when the scope is next empty; before this returns, if it is. May destroy the
  // scope.
  void when_empty(std::function<void()> callback);

 private:
  friend class CloseLink;
  struct Root;
  static Root run(TaskScope& scope, Task<void> task);
  void log_escaped() const noexcept;
  void task_ended();
  static std::exception_ptr closed_error() noexcept;

  Loop& loop_;
  const std::string name_;
  size_t size_ = 0;
  bool closing_ = false;
  Waiter<void>* emptied_ = nullptr;
  std::function<void()> when_empty_;
  List<CloseLink, CloseLinkTag> links_;
};

// A local of a task: while it lives, closing the scope interrupts `target`. If the scope is closing
// already, that happens at once. Without a scope nothing happens.
class CloseLink : public ListHook<CloseLinkTag> {
 public:
  CloseLink(TaskScope& scope, Interruptible& target) noexcept : CloseLink(&scope, target) {}
  CloseLink(TaskScope* scope, Interruptible& target) noexcept;
  ~CloseLink();

 private:
  friend class TaskScope;
  TaskScope* const scope_;
  Interruptible& target_;
};

}  // namespace remuda::io
