// Threads that take jobs in order of their coming, one each at a time: the threads for handshakes,
// and the server's processes.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "model/cpu.h"

namespace remuda::bench::model {

class JobOwner {
 public:
  virtual void on_job_done(uint32_t job) = 0;

 protected:
  ~JobOwner() = default;
};

class JobPool final : Worksite {
 public:
  // They make room for other threads on the same cores.
  JobPool(Agenda& agenda, Cores& cores, JobOwner& owner, int threads);

  void submit(uint32_t job, double cost);
  double busy() const noexcept;
  void forget() noexcept;

 private:
  void on_done(CpuThread& thread, const Work& work) override;

  JobOwner& owner_;
  std::vector<std::unique_ptr<CpuThread>> threads_;
  std::vector<CpuThread*> free_;
  std::deque<Work> waiting_;
};

}  // namespace remuda::bench::model
