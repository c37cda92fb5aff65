#include "proxy/server_host.h"

#include <algorithm>

#include "config/effective.h"
#include "proxy/pool_shard.h"
#include "proxy/server_tls.h"
#include "proxy/worker.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

// Finalizer of splitmix64.
uint64_t scatter(uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t take_turn(Ledger& ledger, config::LoadBalance balance) {
  return balance == config::LoadBalance::disable ? ledger.next_host.load()
                                                 : ledger.next_host.fetch_add(1);
}

Destination choose(PoolShard& pool, const route::Cluster& cluster) {
  const Micros now = pool.worker.now();
  const auto hosts = route::candidates(cluster);
  const uint64_t turn = take_turn(*pool.ledger, cluster.wish.balance);
  const uint64_t random = scatter(static_cast<uint64_t>(now) + turn);
  const auto place = route::choose_host(hosts, cluster.wish, now, turn, random);
  if (!place) throw ConnectFailure("no host can serve: " + route::describe(cluster));
  const std::shared_ptr<route::HostEntry>& entry = cluster.hosts[*place].entry;
  return {.host = entry->host,
          .port = entry->port,
          .claim = route::HostClaim(entry, hosts[*place].epoch),
          .is_makeshift = !route::is_preferred(hosts[*place], cluster.wish.target)};
}

}  // namespace

Destination next_host(PoolShard& pool, const config::Database& database) {
  if (const auto& cluster = pool.cluster()) return choose(pool, *cluster);
  Destination to;
  const size_t hosts = std::max<size_t>(database.hosts.size(), 1);
  const size_t place = take_turn(*pool.ledger, database.load_balance_hosts) % hosts;
  to.host = database.hosts.empty() ? pool.worker.config().unix_socket_dir : database.hosts[place];
  to.port = config::port_of(database, place);
  if (to.host.empty()) throw PgError("no host and no unix_socket_dir is configured");
  return to;
}

io::Task<io::Address> find_address(PoolShard& pool, const Destination& to, Micros timeout) {
  Worker& worker = pool.worker;
  if (to.claim.entry()) {
    const std::optional<io::Address> checked = to.claim.entry()->address();
    if (checked) co_return *checked;
  }
  if (io::is_unix_host(to.host)) {
    co_return io::Address::unix_socket(to.host, to.port);
  }
  const std::string host = to.host;
  const auto port = static_cast<uint16_t>(to.port);
  try {
    const auto addresses = co_await worker.resolver.resolve(host, port, timeout, &worker.tasks);
    co_return addresses[pool.ledger->next_address++ % addresses.size()];
  } catch (const PgError& error) {
    // No server has said no: clients wait for the next dial, which may go to another host.
    throw ConnectFailure(error.what());
  }
}

void leave_host(PoolShard& pool) {
  const auto database = route::find_database(pool.worker.config(), pool.database_name());
  if (database && database->load_balance_hosts == config::LoadBalance::disable) {
    ++pool.ledger->next_host;
  }
}

}  // namespace remuda::proxy
