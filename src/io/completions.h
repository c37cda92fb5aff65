// How work that a loop has given away comes back to it. Owned by the loop.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "io/bell.h"

namespace remuda::io {

class Completions {
 public:
  using Done = void (*)(void* work) noexcept;

  explicit Completions(Loop& loop);

  // Loop thread: one more is given away. The loop keeps running until it is back.
  void expect() noexcept;
  size_t expected() const noexcept { return expected_; }
  // Any thread: `done(work)` is to be called on the loop.
  void report(Done done, void* work);

 private:
  struct Entry {
    Done done;
    void* work;
  };
  void take_all();

  std::mutex mutex_;
  std::vector<Entry> entries_;  // guarded by mutex_
  std::vector<Entry> taken_;
  size_t expected_ = 0;
  Bell bell_;
};

}  // namespace remuda::io
