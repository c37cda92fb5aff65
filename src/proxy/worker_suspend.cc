// SUSPEND: a worker's sockets fall silent, and wake up again.
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

constexpr const char* kReason = "suspend_timeout";

// Closing one changes the list; closed ones live until the end of this turn.
template <class Entries>
auto pointers_to(Entries& entries) {
  std::vector<decltype(&entries.front())> all;
  for (auto& entry : entries) all.push_back(&entry);
  return all;
}

bool suspend_clients(PoolShard& pool, bool by_force) {
  bool all = true;
  for (Client* client : pointers_to(pool.clients)) {
    if (client->closing) continue;
    if (is_settled(*client)) {
      update_reading(*client);
    } else if (by_force) {
      fail_client(*client, wire::sqlstate::kProtocolViolation, kReason);
    } else {
      all = false;
    }
  }
  return all;
}

bool suspend_servers(PoolShard& pool, bool by_force) {
  bool all = true;
  for (const ServerState state : kServerStates) {
    for (Server* server : pointers_to(pool.list_of(state))) {
      if (server->closing) continue;
      if (is_settled(*server)) {
        update_reading(*server);
      } else if (by_force) {
        fail_server(*server, kReason, wire::sqlstate::kProtocolViolation, kReason);
      } else {
        all = false;
      }
    }
  }
  return all;
}

}  // namespace

// Logins go on: a client that is admitted meanwhile is not read. Only until the time is over are
// they waited for.
bool Worker::suspend(Suspension what, bool by_force) {
  suspension_ = what;
  bool all = by_force || logins() == 0;
  for (auto& [key, pool] : shards) {
    all = suspend_clients(*pool, by_force) && all;
    if (what != Suspension::all) continue;
    all = suspend_servers(*pool, by_force) && all;
    if (!by_force) all = all && pool->dials() == 0 && pool->ledger->travelling == 0;
  }
  return all;
}

void Worker::resume_suspended() {
  suspension_ = Suspension::none;
  for (auto& [key, pool] : shards) {
    for (Client& client : pool->clients) update_reading(client);
    for (ServerState state : {ServerState::idle, ServerState::active}) {
      for (Server& server : pool->list_of(state)) update_reading(server);
    }
  }
  wake_pools();
}

}  // namespace remuda::proxy
