// Waiting until all workers agree: PAUSE until nothing is in use, WAIT_CLOSE until nothing old is
// left. Control thread.
#pragma once

#include <algorithm>
#include <vector>

#include "admin/call.h"
#include "admin/gather.h"
#include "io/deadline.h"
#include "remuda/base/error.h"
#include "remuda/base/time.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {

// Throws PgError when the client has cancelled the command, Closed when it has gone.
inline void check_wanted(Console& console) {
  if (console.is_cancelled) {
    throw PgError(wire::sqlstate::kQueryCanceled, "canceling statement due to user request");
  }
  if (console.stream.has_ended()) throw Closed("client unexpected eof");
}

// Asks every worker `holds(Worker&)` until all say yes, or until `is_over()`. Throws PgError when
// the client cancels it, Closed when that client has gone or the control loop's tasks are closed.
template <class Holds, class IsOver>
io::Task<void> await_workers(Call& call, Holds holds, IsOver is_over) {
  constexpr Micros kPeriod = 50 * kMillisecond;
  while (true) {
    const std::vector<bool> answers = co_await gather(call.control, holds);
    const bool all = std::find(answers.begin(), answers.end(), false) == answers.end();
    if (all || is_over()) co_return;
    check_wanted(call.console);
    co_await io::sleep_for(call.control.loop(), kPeriod, &call.control.tasks());
  }
}

// For waits that nothing but their own end can end.
inline bool never() noexcept {
  return false;
}

}  // namespace remuda::admin
