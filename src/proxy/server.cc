#include "proxy/server.h"

#include <fmt/core.h>

#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/server_lease.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {

Server::Server(Worker& its_worker, io::Stream its_stream, PoolShard& its_pool, Slot its_slot,
               uint64_t its_id)
    : worker(its_worker),
      stream(std::move(its_stream)),
      pool(its_pool),
      slot(std::move(its_slot)),
      id(its_id),
      connect_time(its_worker.now()),
      request_time(its_worker.now()) {}

Server::~Server() = default;

std::string log_name(const Server& server) {
  const std::string where =
      server.address.is_unix() ? fmt::format("unix({})", server.key.pid) : server.address.text();
  return fmt::format("S-{:#014x}: {}/{}@{}", server.id, server.pool.database_name(),
                     server.pool.user_name(), where);
}

void close_server(Server& server, std::string_view reason) noexcept {
  if (server.closing) return;
  REMUDA_CHECK(server.client == nullptr);
  server.closing = true;
  if (server.worker.config().log_disconnections) {
    log::info("{} closing because: {} (age={}s)", log_name(server), reason,
              (server.worker.now() - server.connect_time) / kSecond);
  }
  PoolShard& pool = server.pool;
  pool.remove(server);
  // A server that can still listen is told goodbye, so that its log stays quiet.
  if (server.view.is_quiet() && server.stream.backlog() == 0) {
    std::string out;
    wire::terminate(out);
    server.stream.write(out);
  }
  server.stream.close();
  std::unique_ptr<Server> owned(&server);
  { const Slot given_back = std::move(server.slot); }
  if (server.lease) return server.lease->bury(std::move(owned));
  server.worker.retire(std::move(owned));
}

void fail_server(Server& server, std::string_view log_reason, const SqlState& sqlstate,
                 std::string_view text) noexcept {
  if (server.closing) return;
  Client* client = server.client;
  if (client == nullptr) return close_server(server, log_reason);
  server.pool.unlink(*client);
  close_server(server, log_reason);
  fail_client(*client, sqlstate, text);
}

}  // namespace remuda::proxy
