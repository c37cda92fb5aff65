#include "io/bell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "io/guard.h"
#include "io/loop.h"

namespace remuda::io {

Bell::Bell(Loop& loop, Callback callback) : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw SystemError(errno, "eventfd()");
  state_ = make_uv<State, uv_poll_t>(
      "uv_poll_init()", [&](State* state) { return uv_poll_init(loop.raw(), state, fd_.get()); });
  state_->callback = std::move(callback);
  state_->fd = fd_.get();
  static_cast<uv_poll_t*>(state_.get())->data = state_.get();
  const int error = uv_poll_start(state_.get(), UV_READABLE, on_ring);
  if (error != 0) throw SystemError(-error, "uv_poll_start()");
}

void Bell::on_ring(uv_poll_t* uv, int, int) noexcept {
  if (uv->data == nullptr) return;
  State* state = static_cast<State*>(uv);
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t n = ::read(state->fd, &rings, sizeof rings);
  // The state lives until the handle has closed, so the callback may close the bell.
  guarded([state] { state->callback(); });
}

void Bell::ring() noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(fd_.get(), &one, sizeof one);
}

void Bell::keep_loop_running(bool keep) noexcept {
  auto* handle = reinterpret_cast<uv_handle_t*>(static_cast<uv_poll_t*>(state_.get()));
  if (keep) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

}  // namespace remuda::io
