#include <fmt/core.h>

#include "admin/await_workers.h"
#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/gather.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {
namespace {

// Pools of one database, or of all when its name is empty.
bool concerns(const std::string& name, const proxy::PoolShard& pool) {
  return name.empty() || pool.database_name() == name;
}

io::Task<void> drain(Call& call, const std::atomic<bool>& paused) {
  const std::string name = call.argument;
  co_await close_idle(call.control, name);
  auto is_drained = [name](proxy::Worker& worker) {
    return std::all_of(worker.shards.begin(), worker.shards.end(), [&](const auto& entry) {
      return !concerns(name, *entry.second) || entry.second->is_drained();
    });
  };
  auto is_resumed = [&paused] { return !paused; };
  co_await await_workers(call, is_drained, is_resumed);
}

void wake_all(Control& control) {
  for (proxy::Worker* worker : control.shared().workers) {
    worker->post([worker] { worker->wake_pools(); });
  }
}

// A pause that was cancelled is none. Nobody is told that all is quiet when somebody else has ended
// the pause.
io::Task<void> drain_or_resume(Call& call, std::atomic<bool>& paused) {
  try {
    co_await drain(call, paused);
  } catch (const PgError&) {
    paused = false;
    wake_all(call.control);
    throw;
  }
  if (!paused) throw PgError(wire::sqlstate::kQueryCanceled, "PAUSE was ended by RESUME");
}

}  // namespace

io::Task<void> close_idle(Control& control, std::string database) {
  auto close_some = [database](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      if (concerns(database, *pool)) pool->close_idle("pause mode");
    }
    return true;
  };
  co_await gather(control, close_some);
}

Answer pause(Call& call) {
  std::atomic<bool>& all_paused = call.control.shared().ledgers.paused();
  if (all_paused || call.control.shared().suspended) throw PgError("already suspended/paused");
  if (call.argument.empty()) {
    log_issued("PAUSE", call);
    all_paused = true;
    co_await drain_or_resume(call, all_paused);
  } else {
    const auto database = named_database(call, "pause", true);
    log_issued("PAUSE", call);
    database->paused = true;
    co_await drain_or_resume(call, database->paused);
  }
  co_return done("PAUSE");
}

void resume_all(Control& control) {
  control.set_suspended(false);
  if (control.shared().ledgers.paused().exchange(false)) wake_all(control);
}

Answer resume(Call& call) {
  proxy::Ledgers& ledgers = call.control.shared().ledgers;
  if (call.argument.empty()) {
    if (call.control.shared().shutdown != proxy::Shutdown::none) {
      throw PgError("pooler is shutting down");
    }
    if (!ledgers.paused() && !call.control.shared().suspended) {
      throw PgError("pooler is not paused/suspended");
    }
    log_issued("RESUME", call);
    resume_all(call.control);
  } else {
    const std::string& name = call.argument;
    const bool is_console = config::is_console(name);
    const auto database = is_console ? nullptr : named_database(call, "resume", false);
    if (is_console || !database->paused) {
      throw PgError(fmt::format("database {} is not paused", name));
    }
    log_issued("RESUME", call);
    database->paused = false;
    wake_all(call.control);
  }
  co_return done("RESUME");
}

}  // namespace remuda::admin
