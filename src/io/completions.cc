#include "io/completions.h"

namespace remuda::io {

Completions::Completions(Loop& loop) : bell_(loop, [this] { take_all(); }) {
  bell_.keep_loop_running(false);
}

void Completions::expect() noexcept {
  if (expected_++ == 0) bell_.keep_loop_running(true);
}

void Completions::report(Done done, void* work) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({done, work});
  // Under the lock: once the last entry is taken the loop may end, and all this with it.
  if (entries_.size() == 1) bell_.ring();
}

void Completions::take_all() {
  {
    const std::lock_guard lock(mutex_);
    taken_.swap(entries_);
  }
  for (const Entry& entry : taken_) entry.done(entry.work);
  expected_ -= taken_.size();
  taken_.clear();
  if (expected_ == 0) bell_.keep_loop_running(false);
}

}  // namespace remuda::io
