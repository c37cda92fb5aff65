#include "admin/await_workers.h"
#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/gather.h"

namespace remuda::admin {
namespace {

using proxy::ServerState;

bool has_old_servers(proxy::PoolShard& pool) {
  for (const ServerState state : proxy::kServerStates) {
    for (const proxy::Server& server : pool.list_of(state)) {
      if (pool.is_stale(server)) return true;
    }
  }
  return false;
}

}  // namespace

Answer reconnect(Call& call) {
  const std::string name = call.argument;
  if (name.empty()) {
    log_issued("RECONNECT", call);
    for (const auto& database : call.control.shared().ledgers.databases()) ++database->epoch;
  } else {
    const auto database = named_database(call, "reconnect", true);
    log_issued("RECONNECT", call);
    ++database->epoch;
  }
  call.control.shared().ledgers.close_servers(name);
  auto mark = [name](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      if (name.empty() || pool->database_name() == name) pool->mark_for_close();
    }
    // Whoever waits gets a new server where an old one has gone.
    worker.wake_pools();
    return true;
  };
  co_await gather(call.control, mark);
  co_return done("RECONNECT");
}

Answer wait_close(Call& call) {
  const std::string name = call.argument;
  if (!name.empty()) named_database(call, "wait in", true);
  log_issued("WAIT_CLOSE", call);
  auto is_renewed = [name](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      if (!name.empty() && pool->database_name() != name) continue;
      if (pool->ledger->travelling > 0 || has_old_servers(*pool)) return false;
    }
    return true;
  };
  co_await await_workers(call, is_renewed, never);
  co_return done("WAIT_CLOSE");
}

}  // namespace remuda::admin
