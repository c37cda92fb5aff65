#include "io/timer.h"

#include <algorithm>

#include "io/guard.h"
#include "io/loop.h"

namespace remuda::io {
namespace {

uint64_t to_ms(Micros time) {
  return static_cast<uint64_t>((std::max<Micros>(time, 0) + kMillisecond - 1) / kMillisecond);
}

}  // namespace

void Timer::start(Micros delay, Callback callback) {
  arm(delay, 0, std::move(callback));
}

void Timer::repeat(Micros period, Callback callback) {
  arm(period, std::max(period, kMillisecond), std::move(callback));
}

void Timer::arm(Micros delay, Micros period, Callback callback) {
  if (!state_) {
    state_ = make_uv<State, uv_timer_t>(
        "uv_timer_init()", [this](State* state) { return uv_timer_init(loop_->raw(), state); });
  }
  state_->callback = std::move(callback);
  uv_update_time(loop_->raw());  // else counted from the start of this turn
  uv_timer_start(state_.get(), on_tick, to_ms(delay), to_ms(period));
}

void Timer::stop() noexcept {
  if (state_) uv_timer_stop(state_.get());
}

bool Timer::is_active() const noexcept {
  return state_ && uv_is_active(reinterpret_cast<const uv_handle_t*>(
                       static_cast<const uv_timer_t*>(state_.get())));
}

void Timer::on_tick(uv_timer_t* uv) noexcept {
  guarded([uv] {
    // The state outlives even a Timer that dies in its callback, being freed when the handle has
    // closed; the callback is moved out as it may be replaced meanwhile.
    auto* state = static_cast<State*>(uv);
    Callback callback = std::move(state->callback);
    state->callback = nullptr;
    callback();
    if (!state->callback && uv_timer_get_repeat(uv) != 0) state->callback = std::move(callback);
  });
}

}  // namespace remuda::io
