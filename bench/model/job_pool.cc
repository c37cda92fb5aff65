#include "model/job_pool.h"

namespace remuda::bench::model {

JobPool::JobPool(Agenda& agenda, Cores& cores, JobOwner& owner, int threads) : owner_(owner) {
  Worksite& site = *this;
  ThreadCosts costs;
  costs.low_priority = true;
  for (int i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<CpuThread>(agenda, cores, site, costs));
    free_.push_back(threads_.back().get());
  }
}

void JobPool::submit(uint32_t job, double cost) {
  const Work work{0, job, cost};
  if (free_.empty()) return waiting_.push_back(work);
  CpuThread* const thread = free_.back();
  free_.pop_back();
  thread->post(work);
}

void JobPool::on_done(CpuThread& thread, const Work& work) {
  if (waiting_.empty()) {
    free_.push_back(&thread);
  } else {
    thread.post(waiting_.front());
    waiting_.pop_front();
  }
  owner_.on_job_done(work.which);
}

double JobPool::busy() const noexcept {
  double sum = 0;
  for (const auto& thread : threads_) sum += thread->busy();
  return sum;
}

void JobPool::forget() noexcept {
  for (const auto& thread : threads_) thread->forget();
}

}  // namespace remuda::bench::model
