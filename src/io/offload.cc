#include "io/offload.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/guard.h"
#include "remuda/base/error.h"

namespace remuda::io {
namespace {

// A thread of the pool gives way to the loops: what it computes is a login, what they do is queries.
bool give_way() noexcept {
  constexpr int kNice = 10;
  return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice) == 0;
}

}  // namespace

Task<void> OffloadLimit::enter() {
  if (running_ < most_) {
    ++running_;
    co_return;
  }
  Waiter<void> place(loop_);
  queue_.push_back(&place);
  co_await place.wait();
}

void OffloadLimit::leave() noexcept {
  if (queue_.empty()) {
    --running_;
    return;
  }
  // The place passes on: running_ stays.
  Waiter<void>* next = queue_.front();
  queue_.pop_front();
  next->set();
}

void OffloadedWork::run_on_pool() noexcept {
  [[maybe_unused]] thread_local const bool gave_way = give_way();
  try {
    run();
  } catch (...) {
    error_ = std::current_exception();
  }
}

Task<void> OffloadedWork::finish(Loop& loop) {
  Waiter<void> done(loop);
  done_ = &done;
  const int error = uv_queue_work(
      loop.raw(), &request_,
      [](uv_work_t* request) { static_cast<OffloadedWork*>(request->data)->run_on_pool(); },
      [](uv_work_t* request, int) {
        guarded([request] { static_cast<OffloadedWork*>(request->data)->done_->set(); });
      });
  if (error != 0) throw SystemError(-error, "uv_queue_work()");
  co_await done.wait();
  if (error_) std::rethrow_exception(error_);
}

}  // namespace remuda::io
