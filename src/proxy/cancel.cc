#include "proxy/cancel.h"

#include "io/connect.h"
#include "io/deadline.h"
#include "proxy/cancel_request.h"
#include "proxy/peer_forward.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/remote_answer.h"
#include "proxy/server_tls.h"
#include "proxy/socket_options.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::proxy {
namespace {

// While it lives the server is neither released nor lent, so that the cancel cannot hit another
// client's query. The server may close meanwhile; it is found again by its id.
class CancelHold {
 public:
  explicit CancelHold(Server& server) : pool_(server.pool), hold_(server.pool), id_(server.id) {
    ++server.cancels;
  }
  ~CancelHold() {
    Server* server = find();
    if (!server || --server->cancels > 0) return;
    if (!server->client && server->state == ServerState::tested) pool_.tested(*server);
  }
  CancelHold(const CancelHold&) = delete;
  CancelHold& operator=(const CancelHold&) = delete;

 private:
  Server* find() {
    for (const ServerState state : kServerStates) {
      for (Server& server : pool_.list_of(state)) {
        if (server.id == id_) return &server;
      }
    }
    return nullptr;
  }

  PoolShard& pool_;
  const PoolShard::Hold hold_;
  const uint64_t id_;
};

// Null: there is nothing to cancel, or it is done.
Server* find_target(Worker& worker, CancelKey key) {
  Client* client = worker.keys.find(key);
  if (client == nullptr) {
    log::debug("failed cancel request: no client has this key");
    return nullptr;
  }
  if (cancel_queued(*client)) {
    log::debug("{} cancelled while it waited", log_name(*client));
    return nullptr;
  }
  if (client->server == nullptr || client->awaits_replay) {
    log::debug("{} cancel request for idle client", log_name(*client));
    return nullptr;
  }
  return client->server;
}

// Where a cancel request goes, and with what.
struct CancelTarget {
  explicit CancelTarget(const Server& server)
      : address(server.address),
        key(server.key),
        host(server.host),
        is_encrypted(server.stream.tls() != nullptr) {}

  io::Address address;
  BackendKey key;
  std::string host;
  bool is_encrypted;  // as the connection is whose query is cancelled: the key is a secret
};

io::Task<void> send_cancel(Worker& worker, const CancelTarget& target, Micros timeout) {
  io::Address address = target.address;
  const io::TcpOptions options = tcp_options(worker.config());
  io::Stream stream = co_await io::connect(worker.loop, address, timeout, &worker.tasks, options);
  io::Deadline deadline(worker.loop, timeout, stream, "cancel_wait_timeout");
  const io::CloseLink link(worker.tasks, stream);
  if (target.is_encrypted) {
    std::string host = target.host;
    co_await encrypt_server(worker, stream, host);
  }
  co_await send_cancel_request(stream, target.key.pid, target.key.secret);
}

// On the worker that owns the client.
io::Task<void> cancel_here(Worker& worker, CancelKey key) {
  Server* server = find_target(worker, key);
  if (server) co_await cancel_query(*server);
}

io::Task<void> cancel_at(Worker& worker, size_t index, CancelKey key);

// The reply says that it is over, however it ends.
io::Task<void> cancel_and_reply(Worker& worker, CancelKey key, RemoteReply<bool> reply) {
  const RemoteReply<bool> held = std::move(reply);
  const auto here = static_cast<size_t>(worker.index());
  co_await cancel_at(worker, here, key);
}

// Has another worker do it, and waits until it has.
io::Task<void> ask(Worker& worker, Worker& target, CancelKey key) {
  RemoteAnswer<bool> answer(worker);
  const io::CloseLink link(worker.tasks, answer.waiter);
  target.post([&target, key, reply = answer.reply()]() mutable {
    target.tasks.spawn(cancel_and_reply(target, key, std::move(reply)));
  });
  co_await answer.waiter.wait();
}

// First where the key was issued; that worker knows where its client has gone since.
io::Task<void> cancel_at(Worker& worker, size_t index, CancelKey key) {
  const bool is_here = index == static_cast<size_t>(worker.index());
  const std::optional<int> moved = is_here ? worker.keys.find_moved(key) : std::nullopt;
  if (is_here && !moved) {
    co_await cancel_here(worker, key);
    co_return;
  }
  const size_t place = moved ? static_cast<size_t>(*moved) : index;
  co_await ask(worker, *worker.shared.workers[place], key);
}

}  // namespace

io::Task<void> forward_cancel(Worker& worker, wire::CancelRequest request) {
  std::optional<CancelKey> asked = to_cancel_key(request.pid, request.secret);
  if (!asked) co_return;
  CancelKey& key = *asked;
  std::optional<PeerRequest> for_peer = route_cancel(worker, key);
  if (for_peer) {
    co_await forward_to_peer(worker, std::move(*for_peer));
    co_return;
  }
  const auto issuer = static_cast<size_t>(KeyTable::issuer(key));
  if (issuer == CancelKey::kConsole) {
    worker.shared.cancel_console(key);
    co_return;
  }
  if (issuer < worker.shared.workers.size()) co_await cancel_at(worker, issuer, key);
}

io::Task<void> cancel_query(Server& server) {
  Worker& worker = server.worker;
  const std::string name = log_name(server);
  const CancelHold hold(server);
  const CancelTarget target(server);
  io::Task<void> sending = send_cancel(worker, target, worker.config().cancel_wait_timeout);
  co_await log_cancel_request(name, std::move(sending));
}

}  // namespace remuda::proxy
