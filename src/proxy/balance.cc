#include "proxy/balance.h"

#include <algorithm>
#include <utility>

#include "proxy/placement.h"
#include "proxy/pool_shard.h"
#include "proxy/worker.h"
#include "remuda/base/time.h"

namespace remuda::proxy {
namespace {

constexpr int kBusy = 500;        // below this a worker has time itself
constexpr int kDifference = 200;  // less is not uneven
constexpr size_t kMostAtOnce = 64;

// Of the homes that the pool has for its clients, the one with most time.
Worker* idlest_home(const PoolShard& pool) {
  Worker* idlest = nullptr;
  for (Worker* home : homes_of(pool.worker.shared, *pool.ledger)) {
    if (home == &pool.worker) continue;
    if (!idlest || home->load() < idlest->load()) idlest = home;
  }
  return idlest;
}

bool asked_lately(const Client& client, Micros now) noexcept {
  return now - client.request_time < 2 * Balance::kPeriod;
}

}  // namespace

size_t clients_to_move(int own_load, int other_load, size_t clients) noexcept {
  if (own_load < kBusy || own_load - other_load < kDifference) return 0;
  // With half the difference both have as much to do; one client is not worth moving to and fro.
  const auto share = static_cast<size_t>(own_load - other_load) * clients;
  return std::min(share / static_cast<size_t>(2 * own_load), kMostAtOnce);
}

void Balance::look(Micros now) {
  if (now - looked_ < kPeriod) return;
  const int load = measure(now);
  worker_.set_load(load);
  if (!relieve(load)) uneven_ = 0;
}

int Balance::measure(Micros now) noexcept {
  const Micros cpu = thread_cpu_time();
  const Micros spent = cpu - std::exchange(cpu_, cpu);
  const Micros passed = now - std::exchange(looked_, now);
  return static_cast<int>(std::min<Micros>(spent * 1000 / passed, 1000));
}

// False when there is nothing to relieve it of.
bool Balance::relieve(int own_load) {
  if (own_load < kBusy || worker_.shared.workers.size() == 1) return false;
  for (auto& [key, pool] : worker_.shards) {
    Worker* to = idlest_home(*pool);
    if (!to) continue;
    const Micros now = worker_.now();
    size_t asking = 0;
    for (const Client& client : pool->clients) asking += asked_lately(client, now);
    size_t wanted = clients_to_move(own_load, to->load(), asking);
    if (wanted == 0) continue;
    if (++uneven_ < kLooks) return true;
    for (auto at = pool->clients.begin(); at != pool->clients.end() && wanted > 0;) {
      Client& client = *at;
      ++at;
      if (!asked_lately(client, now) || !can_move(client)) continue;
      if (!worker_.send_away(client, to->index())) break;
      --wanted;
    }
    return false;
  }
  return false;
}

}  // namespace remuda::proxy
