#include <algorithm>

#include "admin/await_workers.h"
#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/gather.h"
#include "io/deadline.h"
#include "remuda/base/error.h"

namespace remuda::admin {
namespace {

constexpr Micros kPeriod = 20 * kMillisecond;

bool has_paused_database(const proxy::Ledgers& ledgers) {
  const auto databases = ledgers.databases();
  return std::any_of(databases.begin(), databases.end(),
                     [](const auto& database) { return database->paused.load(); });
}

io::Task<bool> silence(Control& control, proxy::Suspension what, bool by_force) {
  auto silence_one = [what, by_force](proxy::Worker& worker) {
    return worker.suspend(what, by_force);
  };
  const std::vector<bool> answers = co_await gather(control, silence_one);
  co_return std::find(answers.begin(), answers.end(), false) == answers.end();
}

// Servers are read until no client anywhere waits for one: another worker may be lent it.
io::Task<void> silence_all(Call& call) {
  Control& control = call.control;
  const proxy::Shared& shared = control.shared();
  const Micros started = control.loop().now();
  auto what = proxy::Suspension::clients;
  while (true) {
    const Micros timeout = control.snapshot().config->suspend_timeout;
    const bool by_force = timeout > 0 && control.loop().now() - started >= timeout;
    const bool are_silent = co_await silence(control, what, by_force);
    if (!shared.suspended || (are_silent && what == proxy::Suspension::all)) co_return;
    if (are_silent) {
      what = proxy::Suspension::all;
      continue;
    }
    check_wanted(call.console);
    co_await io::sleep_for(control.loop(), kPeriod, &control.tasks());
  }
}

}  // namespace

Answer suspend(Call& call) {
  Control& control = call.control;
  const proxy::Shared& shared = control.shared();
  if (control.shared().ledgers.paused() || shared.suspended) {
    throw PgError("already suspended/paused");
  }
  if (has_paused_database(control.shared().ledgers)) {
    throw PgError("cannot suspend with paused databases");
  }
  log_issued("SUSPEND", call);
  control.set_suspended(true);
  try {
    co_await silence_all(call);
  } catch (const PgError&) {
    control.set_suspended(false);
    throw;
  }
  co_return done("SUSPEND");
}

}  // namespace remuda::admin
