#include "io/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "io/guard.h"
#include "io/loop.h"

namespace remuda::io {
namespace {

FileDescriptor open_signal(int signal) {
  sigset_t set;
  sigemptyset(&set);
  if (sigaddset(&set, signal) != 0) throw SystemError(errno, "sigaddset()");
  const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (error != 0) throw SystemError(error, "pthread_sigmask()");
  FileDescriptor fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) throw SystemError(errno, "signalfd()");
  return fd;
}

}  // namespace

SignalWatcher::SignalWatcher(Loop& loop, int signal, Callback callback) {
  FileDescriptor fd = open_signal(signal);
  state_ = make_uv<State, uv_poll_t>(
      "uv_poll_init()", [&](State* state) { return uv_poll_init(loop.raw(), state, fd.get()); });
  state_->fd = std::move(fd);
  state_->callback = std::move(callback);
  uv_unref(reinterpret_cast<uv_handle_t*>(static_cast<uv_poll_t*>(state_.get())));
  const int error = uv_poll_start(state_.get(), UV_READABLE, on_readable);
  if (error != 0) throw SystemError(-error, "uv_poll_start()");
}

void SignalWatcher::on_readable(uv_poll_t* uv, int, int) noexcept {
  // The state lives until the handle has closed, so the callback may destroy the watcher.
  auto* state = static_cast<State*>(uv);
  signalfd_siginfo info;
  if (::read(state->fd.get(), &info, sizeof info) != sizeof info) return;
  guarded([state] { state->callback(); });
}

}  // namespace remuda::io
