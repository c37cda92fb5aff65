#include <algorithm>
#include <map>

#include "admin/commands.h"
#include "admin/table.h"
#include "route/directory.h"

namespace remuda::admin {
namespace {

using proxy::LoginEntry;
using proxy::ServerState;
using wire::oid::kInt4;
using wire::oid::kText;

constexpr Column kPoolColumns[] = {
    {"database", kText, Merge::key},
    {"user", kText, Merge::key},
    {"cl_active", kInt4, Merge::sum},
    {"cl_waiting", kInt4, Merge::sum},
    {"cl_active_cancel_req", kInt4, Merge::sum},
    {"cl_waiting_cancel_req", kInt4, Merge::sum},
    {"sv_active", kInt4, Merge::sum},
    {"sv_active_cancel", kInt4, Merge::sum},
    {"sv_being_canceled", kInt4, Merge::sum},
    {"sv_idle", kInt4, Merge::sum},
    {"sv_used", kInt4, Merge::sum},
    {"sv_tested", kInt4, Merge::sum},
    {"sv_login", kInt4, Merge::sum},
    {"maxwait", kInt4, Merge::max},
    {"maxwait_us", kInt4, Merge::follow},
    {"pool_mode", kText},
    {"load_balance_hosts", kText},
};

// Servers that a cancel request keeps from being lent, and the requests on their way.
struct Cancels {
  size_t requests = 0;
  size_t servers = 0;
};

Cancels cancels_of(proxy::PoolShard& pool) {
  Cancels cancels;
  for (const ServerState state : {ServerState::active, ServerState::tested}) {
    for (const proxy::Server& server : pool.list_of(state)) {
      cancels.requests += static_cast<size_t>(server.cancels);
      if (state == ServerState::tested && server.cancels > 0) ++cancels.servers;
    }
  }
  return cancels;
}

// Clients that have logged in and wait for the pool's first server.
struct Queue {
  size_t length = 0;
  Micros oldest_wait = 0;
};

using Queues = std::map<const proxy::PoolShard*, Queue>;

Queues login_queues(proxy::Worker& worker) {
  Queues queues;
  for (const LoginEntry& login : worker.login_entries) {
    if (login.stage != LoginEntry::Stage::queued) continue;
    Queue& queue = queues[login.pool];
    ++queue.length;
    queue.oldest_wait = std::max(queue.oldest_wait, worker.now() - login.stage_time);
  }
  return queues;
}

Cell load_balance(const config::Config& config, const std::string& name) {
  const auto database = route::find_database(config, name);
  if (!database || database->hosts.size() < 2) return null();
  return text(config::to_text(database->load_balance_hosts));
}

Row row_of(proxy::PoolShard& pool, const Queue& logins, const config::Config& config, Micros now) {
  const size_t waiting = pool.waiting.size();
  const size_t used = pool.used_count(now, config.server_check_delay);
  const Micros wait = std::max(pool.oldest_wait(now), logins.oldest_wait);
  const Cancels cancels = cancels_of(pool);
  return {
      text(pool.database_name()),
      text(pool.user_name()),
      number(pool.clients.size() - waiting),
      number(waiting + logins.length),
      number(cancels.requests),
      number(0),
      number(pool.list_of(ServerState::active).size()),
      number(cancels.requests),
      number(cancels.servers),
      number(pool.list_of(ServerState::idle).size() - used),
      number(used),
      number(pool.list_of(ServerState::tested).size() - cancels.servers),
      number(pool.dials()),
      number(wait / kSecond),
      number(wait % kSecond),
      text(config::to_text(pool.settings.mode)),
      load_balance(config, pool.database_name()),
  };
}

std::vector<Row> pools_of(proxy::Worker& worker) {
  std::vector<Row> rows;
  Queues queues = login_queues(worker);
  for (auto& [key, pool] : worker.shards) {
    rows.push_back(row_of(*pool, queues[pool.get()], worker.config(), worker.now()));
  }
  return rows;
}

Row console_row(const Consoles& consoles) {
  Row row(std::size(kPoolColumns), number(0));
  row[0] = row[1] = text(config::kConsoleName);
  row[2] = number(consoles.size());
  row[std::size(kPoolColumns) - 2] = text("statement");
  row[std::size(kPoolColumns) - 1] = null();
  return row;
}

}  // namespace

Answer show_pools(Call& call) {
  Table table = co_await gather_table(call.control, kPoolColumns, pools_of);
  table.add(console_row(call.consoles));
  table.keep("database", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
