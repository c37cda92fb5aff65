#include "io/signals.h"

#include "io/guard.h"
#include "io/loop.h"

namespace remuda::io {

SignalWatcher::SignalWatcher(Loop& loop, int signal, Callback callback)
    : state_(make_uv<State, uv_signal_t>(
          "uv_signal_init()", [&](State* state) { return uv_signal_init(loop.raw(), state); })) {
  state_->callback = std::move(callback);
  uv_unref(reinterpret_cast<uv_handle_t*>(static_cast<uv_signal_t*>(state_.get())));
  // The state lives until the handle has closed, so the callback may destroy the watcher.
  const int error = uv_signal_start(
      state_.get(),
      [](uv_signal_t* uv, int) { guarded([uv] { static_cast<State*>(uv)->callback(); }); }, signal);
  if (error != 0) throw SystemError(-error, "uv_signal_start()");
}

}  // namespace remuda::io
