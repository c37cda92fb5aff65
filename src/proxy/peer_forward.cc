#include "proxy/peer_forward.h"

#include <fmt/core.h>

#include "io/connect.h"
#include "io/deadline.h"
#include "io/waiter.h"
#include "proxy/cancel_request.h"
#include "proxy/socket_options.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::proxy {
namespace {

// A wait for a place, known to the pools by a pointer that is cleared when the wait ends.
struct Wait {
  Wait(Worker& worker, int its_peer)
      : pools(worker.shared.peer_pools),
        peer(its_peer),
        waiter(worker.loop),
        shared(std::make_shared<io::Waiter<PeerPools::Place>*>(&waiter)) {}
  ~Wait() {
    pools.leave(peer, ticket);
    *shared = nullptr;
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  PeerPools& pools;
  const int peer;
  uint64_t ticket = 0;
  io::Waiter<PeerPools::Place> waiter;
  const std::shared_ptr<io::Waiter<PeerPools::Place>*> shared;
};

io::Task<PeerPools::Place> take_place(Worker& worker, const config::Peer& peer, Micros timeout) {
  Wait wait(worker, peer.id);
  const int limit = peer.pool_size.value_or(worker.config().default_pool_size);
  wait.ticket = wait.pools.enter(peer.id, limit,
                                 [worker = &worker, shared = wait.shared](PeerPools::Place place) {
                                   worker->post([shared, place = std::move(place)]() mutable {
                                     if (*shared) (void)(*shared)->set(std::move(place));
                                   });
                                 });
  io::Deadline deadline(worker.loop, timeout, wait.waiter, "cancel_wait_timeout");
  const io::CloseLink link(worker.tasks, wait.waiter);
  PeerPools::Place place = co_await wait.waiter.wait();
  co_return place;
}

io::Task<io::Address> address_of(Worker& worker, const config::Peer& peer, Micros timeout) {
  if (io::is_unix_host(peer.host)) co_return io::Address::unix_socket(peer.host, peer.port);
  const auto port = static_cast<uint16_t>(peer.port);
  const auto addresses = co_await worker.resolver.resolve(peer.host, port, timeout, &worker.tasks);
  co_return addresses.front();
}

io::Task<void> send_to(Worker& worker, const PeerRequest& request) {
  const Micros timeout = worker.config().cancel_wait_timeout;
  PeerPools::Place place = co_await take_place(worker, request.peer, timeout);
  const io::Address address = co_await address_of(worker, request.peer, timeout);
  const io::TcpOptions options = tcp_options(worker.config());
  io::Stream stream = co_await io::connect(worker.loop, address, timeout, &worker.tasks, options);
  io::Deadline deadline(worker.loop, timeout, stream, "cancel_wait_timeout");
  const io::CloseLink link(worker.tasks, stream);
  place.sent();
  std::string secret = secret_bytes(request.key);
  co_await send_cancel_request(stream, request.key.pid, std::move(secret));
}

}  // namespace

std::optional<PeerRequest> route_cancel(Worker& worker, CancelKey& key) {
  if (const auto own = worker.shared.peer_keys.find(key)) {
    key = *own;
    return std::nullopt;
  }
  const config::Config& config = worker.config();
  const int id = peer_of_key(key);
  if (key.is_long || config.peer_id == 0 || id == 0 || id == config.peer_id) return std::nullopt;
  const auto at = config.peers.find(id);
  if (at == config.peers.end()) return std::nullopt;
  if (hops_of_key(key) == 0) {
    log::warning("a cancel request for peer {} has been forwarded too often", id);
    return std::nullopt;
  }
  return PeerRequest{at->second, one_hop_less(key)};
}

io::Task<void> forward_to_peer(Worker& worker, PeerRequest request) {
  const std::string name =
      fmt::format("S: peer-{}@{}:{}", request.peer.id, request.peer.host, request.peer.port);
  io::Task<void> sending = send_to(worker, request);
  co_await log_cancel_request(name, std::move(sending));
}

}  // namespace remuda::proxy
