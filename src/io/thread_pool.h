// Threads for what computes or blocks. They are made when there is work and no idle one, up to a
// bound, and give way to the loops (thread_priority.h). Shared by the loops of a process; any
// thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace remuda::io {

// One piece of work. It outlives its run, and says itself to whom it matters that it is over.
class PoolJob {
 public:
  // On a thread of the pool.
  virtual void run() noexcept = 0;

 protected:
  ~PoolJob() = default;
};

class ThreadPool {
 public:
  static constexpr size_t kUsualSize = 4;

  explicit ThreadPool(size_t most = kUsualSize) : most_(most) {}
  // Runs what is left, then ends the threads.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // In order of their coming. Throws std::system_error when there is no thread and none can be
  // made.
  void submit(PoolJob& job);

 private:
  void work() noexcept;

  const size_t most_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<PoolJob*> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace remuda::io
