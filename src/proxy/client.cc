#include "proxy/client.h"

#include <fmt/core.h>

#include "proxy/peer_name.h"
#include "proxy/placement.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {

Client::Client(Worker& its_worker, io::Stream its_stream, PoolShard& its_pool, Places its_places,
               uint64_t its_id)
    : worker(its_worker),
      stream(std::move(its_stream)),
      pool(its_pool),
      parked(its_worker.loop.blocks()),
      places(std::move(its_places)),
      id(its_id),
      connect_time(its_worker.now()),
      request_time(its_worker.now()),
      idle_since(its_worker.now()) {
  pool.list_of(ClientState::idle).push_back(*this);
}

Client::~Client() = default;

ClientState Client::state() const noexcept {
  if (server) return ClientState::active;
  return wait_start != 0 ? ClientState::waiting : ClientState::idle;
}

std::string log_name(const Client& client) {
  return fmt::format("C-{:#014x}: {}/{}@{}", client.id, client.pool.database_name(),
                     client.places.user->name,
                     peer_name(client.stream, client.worker.config().listen_port));
}

namespace {

void end_client(Client& client, std::string_view reason) {
  client.closing = true;
  Worker& worker = client.worker;
  PoolShard& pool = client.pool;
  if (worker.config().log_disconnections) {
    log::info("{} closing because: {} (age={}s)", log_name(client), reason,
              (worker.now() - client.connect_time) / kSecond);
  }
  pool.leave_queue(client);
  pool.clients.erase(client);
  Seat::leave(*pool.ledger, worker.index());
  worker.return_key(client);
  pool.depart(client);
  client.stream.flush_and_close();
  worker.retire(std::unique_ptr<Client>(&client));
}

}  // namespace

void close_client(Client& client, std::string_view reason) noexcept {
  if (!client.closing) end_client(client, reason);
}

bool end_if_free(Client& client) noexcept {
  if (client.closing) return true;
  const session::ClientView& view = client.view;
  const bool is_between = !view.in_query && !view.in_transaction && client.parked.empty() &&
                          view.frame.at_boundary() && view.frame.holds_nothing();
  // What one that waits has asked for has not begun.
  if (!is_between && client.wait_start == 0) return false;
  fail_client(client, wire::sqlstate::kAdminShutdown,
              "terminating connection due to administrator command");
  return true;
}

void fail_client(Client& client, const SqlState& sqlstate, std::string_view text) noexcept {
  if (client.closing) return;
  if (client.worker.config().log_pooler_errors) {
    log::warning("{} pooler error: {}", log_name(client), text);
  }
  std::string out;
  wire::error_response(out, "FATAL", sqlstate, text);
  client.stream.write(out);
  end_client(client, text);
}

}  // namespace remuda::proxy
