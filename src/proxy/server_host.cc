#include "proxy/server_host.h"

#include "proxy/pool_shard.h"
#include "proxy/server_tls.h"
#include "proxy/worker.h"
#include "route/directory.h"

namespace remuda::proxy {

std::string next_host(PoolShard& pool, const config::Database& database) {
  std::string host = pool.worker.config().unix_socket_dir;
  if (!database.hosts.empty())
    host = database.hosts[pool.ledger->next_host % database.hosts.size()];
  if (database.load_balance_hosts == config::LoadBalance::round_robin) ++pool.ledger->next_host;
  if (host.empty()) throw PgError("no host and no unix_socket_dir is configured");
  return host;
}

io::Task<io::Address> find_address(PoolShard& pool, const config::Database& database,
                                   std::string host, Micros timeout) {
  Worker& worker = pool.worker;
  if (io::is_unix_host(host)) co_return io::Address::unix_socket(host, database.port);
  const auto port = static_cast<uint16_t>(database.port);
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
