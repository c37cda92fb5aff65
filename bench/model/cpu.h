// Cores, and the threads that share them. A thread takes its work in order, in batches of what is
// ready at once, as an event loop does: waking up is paid once per batch. Microseconds. One thread
// simulates all of them.
#pragma once

#include <cstdint>
#include <deque>

#include "model/agenda.h"

namespace remuda::bench::model {

class CpuThread;

struct Work {
  uint32_t kind;
  uint32_t which;
  double cost;
};

// Who is told that a piece of work is done. Never null for a thread that is given work.
class Worksite {
 public:
  virtual void on_done(CpuThread& thread, const Work& work) = 0;

 protected:
  ~Worksite() = default;
};

// First come, first served; threads of low priority after all others.
class Cores {
 public:
  explicit Cores(int count) : free_(count), count_(count) {}

  int count() const noexcept { return count_; }
  // thread.run() is called, now or later.
  void ask(CpuThread& thread);
  void give_back();
  // The thread queues up again and the next one runs.
  void exchange(CpuThread& thread);
  bool has_free() const noexcept { return free_ > 0; }
  bool is_wanted() const noexcept { return !waiting_.empty() || !yielding_.empty(); }

 private:
  std::deque<CpuThread*> waiting_;
  std::deque<CpuThread*> yielding_;  // those of low priority
  int free_;
  int count_;
};

// What a thread pays besides its work.
struct ThreadCosts {
  double wake = 0;    // on a core that idled
  double change = 0;  // on a core that another thread leaves
  double doze = 0;    // going to sleep; what comes meanwhile needs no waking up
  double poll = 0;
  double wake_delay = 0;  // time, not CPU time
  bool low_priority = false;
};

class CpuThread final : public Actor {
 public:
  CpuThread(Agenda& agenda, Cores& cores, Worksite& site, const ThreadCosts& costs)
      : agenda_(agenda), cores_(cores), site_(site), costs_(costs) {}
  CpuThread(const CpuThread&) = delete;
  CpuThread& operator=(const CpuThread&) = delete;

  // Something is ready for this thread.
  void post(const Work& work);
  // The work that is being done takes so much more.
  void charge(double cost) noexcept { owed_ += cost; }
  void run();
  void on_time(uint32_t what, uint32_t which) override;

  bool has_low_priority() const noexcept { return costs_.low_priority; }
  size_t queued() const noexcept { return queue_.size(); }
  // Since the last call of forget().
  double busy() const noexcept { return busy_; }
  uint64_t wakes() const noexcept { return wakes_; }
  uint64_t batches() const noexcept { return batches_; }
  void forget() noexcept { busy_ = 0, wakes_ = batches_ = 0; }

 private:
  void begin_work();
  void run_slice();
  void end_work();
  void begin_batch();
  void fall_asleep();

  Agenda& agenda_;
  Cores& cores_;
  Worksite& site_;
  ThreadCosts costs_;
  std::deque<Work> queue_;
  size_t batch_left_ = 0;
  bool asleep_ = true;
  double owed_ = 0;       // to be paid with the next work
  double remaining_ = 0;  // of the work in progress
  double in_a_row_ = 0;   // time on the core since it was given
  double busy_ = 0;
  uint64_t wakes_ = 0;
  uint64_t batches_ = 0;
};

}  // namespace remuda::bench::model
