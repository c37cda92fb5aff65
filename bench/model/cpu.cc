#include "model/cpu.h"

#include <algorithm>

namespace remuda::bench::model {
namespace {

// How long the kernel lets a thread run while another waits, and how soon one of low priority makes
// room for one that wakes up.
constexpr double kSlice = 3000;
constexpr double kLowSlice = 100;

enum : uint32_t { kWoken, kSliceDone, kDozed };

}  // namespace

void Cores::ask(CpuThread& thread) {
  if (free_ > 0) {
    --free_;
    thread.run();
  } else {
    (thread.has_low_priority() ? yielding_ : waiting_).push_back(&thread);
  }
}

void Cores::give_back() {
  std::deque<CpuThread*>& next = waiting_.empty() ? yielding_ : waiting_;
  if (next.empty()) {
    ++free_;
    return;
  }
  CpuThread* const thread = next.front();
  next.pop_front();
  thread->run();
}

void Cores::exchange(CpuThread& thread) {
  (thread.has_low_priority() ? yielding_ : waiting_).push_back(&thread);
  give_back();
}

void CpuThread::post(const Work& work) {
  queue_.push_back(work);
  if (!asleep_) return;
  asleep_ = false;
  ++wakes_;
  if (cores_.has_free()) {
    owed_ += costs_.wake;
    agenda_.after(costs_.wake_delay, *this, kWoken);
  } else {
    owed_ += costs_.change;
    cores_.ask(*this);
  }
}

void CpuThread::on_time(uint32_t what, uint32_t) {
  if (what == kWoken) return cores_.ask(*this);
  if (what == kDozed) return fall_asleep();
  if (remaining_ > 0) return run_slice();
  end_work();
}

void CpuThread::run() {
  in_a_row_ = 0;
  if (remaining_ > 0) return run_slice();
  begin_batch();
  begin_work();
}

void CpuThread::begin_batch() {
  batch_left_ = queue_.size();
  ++batches_;
}

void CpuThread::begin_work() {
  remaining_ = queue_.front().cost + owed_;
  owed_ = 0;
  run_slice();
}

void CpuThread::run_slice() {
  const double most = costs_.low_priority ? kLowSlice : kSlice;
  if (in_a_row_ >= most && cores_.is_wanted()) {
    return cores_.exchange(*this);
  }
  const double slice = std::min(remaining_, most);
  remaining_ -= slice;
  in_a_row_ += slice;
  busy_ += slice;
  agenda_.after(slice, *this, kSliceDone);
}

void CpuThread::end_work() {
  const Work done = queue_.front();
  queue_.pop_front();
  if (batch_left_ > 0) --batch_left_;
  site_.on_done(*this, done);
  if (queue_.empty()) {
    // A core that is wanted does not go idle: the next one's change is all it takes.
    if (costs_.doze <= 0 || cores_.is_wanted()) return fall_asleep();
    busy_ += costs_.doze;
    return agenda_.after(costs_.doze, *this, kDozed);
  }
  if (batch_left_ == 0) {
    begin_batch();
    owed_ += costs_.poll;
  }
  begin_work();
}

void CpuThread::fall_asleep() {
  if (queue_.empty()) {
    asleep_ = true;
    return cores_.give_back();
  }
  begin_batch();
  begin_work();
}

}  // namespace remuda::bench::model
