#include "io/loop.h"

#include <csignal>
#include <cstdlib>

#include "io/completions.h"
#include "io/guard.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::io {
namespace {

// How often one phase of a turn goes through the ready coroutines: those who keep waking one
// another then let sockets have their turn.
constexpr int kRoundsPerPhase = 8;

void close_handle(uv_handle_t* handle) {
  uv_close(handle, nullptr);
}

}  // namespace

Loop::Loop(std::shared_ptr<ThreadPool> pool)
    : read_buffer_(new char[kBulkBuffer]), pool_(std::move(pool)) {
  ::signal(SIGPIPE, SIG_IGN);
  const int error = uv_loop_init(&uv_);
  if (error != 0) throw SystemError(-error, "uv_loop_init()");
  uv_.data = this;
  take_thread();
  start_phases();
}

Loop::TlsBuffers& Loop::tls_buffers() {
  if (!tls_buffers_) tls_buffers_.reset(new TlsBuffers);
  return *tls_buffers_;
}

Loop::~Loop() {
  take_thread();
  while (!leftovers_.empty()) drop(leftovers_.front());
  while (completions_ && completions_->expected() > 0) {
    resume_ready();
    uv_run(&uv_, UV_RUN_ONCE);
  }
  completions_.reset();
  close_own_handles();
  // Handles that are closing, and requests on the thread pool, end; anything else was forgotten.
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle)) return;
        log::fatal("internal error: a {} outlived its loop", uv_handle_type_name(handle->type));
        std::abort();
      },
      nullptr);
  do {
    resume_ready();
  } while (uv_run(&uv_, UV_RUN_DEFAULT) != 0 || !ready_.empty());
  REMUDA_CHECK(uv_loop_close(&uv_) == 0);
}

ThreadPool& Loop::pool() {
  if (!pool_) pool_ = std::make_shared<ThreadPool>();
  return *pool_;
}

Completions& Loop::completions() {
  if (!completions_) completions_ = std::make_unique<Completions>(*this);
  return *completions_;
}

void Loop::start_phases() noexcept {
  uv_prepare_init(&uv_, &before_sleep_);
  uv_check_init(&uv_, &after_poll_);
  uv_idle_init(&uv_, &no_sleep_);
  uv_prepare_start(&before_sleep_, [](uv_prepare_t* phase) {
    guarded([phase] { of(phase->loop).before_sleep(); });
  });
  uv_check_start(&after_poll_,
                 [](uv_check_t* phase) { guarded([phase] { of(phase->loop).resume_ready(); }); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&before_sleep_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&after_poll_));
}

void Loop::close_own_handles() noexcept {
  heap_trim_.close();
  close_handle(reinterpret_cast<uv_handle_t*>(&before_sleep_));
  close_handle(reinterpret_cast<uv_handle_t*>(&after_poll_));
  close_handle(reinterpret_cast<uv_handle_t*>(&no_sleep_));
}

void Loop::run() {
  take_thread();
  // uv_run returns when no handle is active, though coroutines may have become ready.
  do {
    resume_ready();
  } while (uv_run(&uv_, UV_RUN_DEFAULT) == 0 && !ready_.empty());
}

void Loop::stop() noexcept {
  uv_stop(&uv_);
}

Micros Loop::read_clock() noexcept {
  return now_ = monotonic_now();
}

void Loop::take_thread() noexcept {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void Loop::assert_thread() const noexcept {
  REMUDA_CHECK(thread_.load(std::memory_order_relaxed) == std::this_thread::get_id());
}

void Loop::resume_later(std::coroutine_handle<> handle) noexcept {
  ready_.push_back(handle);
}

void Loop::resume_ready() noexcept {
  for (int round = 0; round < kRoundsPerPhase && !ready_.empty(); ++round) {
    resuming_.swap(ready_);
    for (const auto handle : resuming_) handle.resume();
    resuming_.clear();
  }
}

void Loop::before_sleep() noexcept {
  resume_ready();
  // An active idle handle makes the poll return at once.
  if (!ready_.empty()) {
    uv_idle_start(&no_sleep_, [](uv_idle_t*) {});
  } else if (uv_is_active(reinterpret_cast<uv_handle_t*>(&no_sleep_))) {
    uv_idle_stop(&no_sleep_);
  }
  now_ = 0;
}

void Loop::keep(std::unique_ptr<Leftover> leftover) noexcept {
  leftovers_.push_back(*leftover.release());
}

void Loop::drop(Leftover& leftover) noexcept {
  leftovers_.erase(leftover);
  delete &leftover;
}

}  // namespace remuda::io
