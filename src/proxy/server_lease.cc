#include "proxy/server_lease.h"

#include <utility>

#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

namespace remuda::proxy {

ServerLease::ServerLease(Server& server) noexcept : server_(&server) {
  REMUDA_CHECK(server.lease == nullptr);
  server.lease = this;
  server.view.unnamed.set({});  // what the task asks for may be prepared as it
  server.pool.pin();
}

ServerLease::ServerLease(ServerLease&& other) noexcept
    : server_(std::exchange(other.server_, nullptr)), closed_(std::move(other.closed_)) {
  if (server_) server_->lease = this;
}

ServerLease::~ServerLease() {
  if (!server_) return;
  close("query was not finished");
  Worker& worker = server_->worker;
  end();
  worker.retire(std::move(closed_));
}

void ServerLease::close(std::string_view reason) noexcept {
  close_server(*server_, reason);
}

Server& ServerLease::end() noexcept {
  server_->lease = nullptr;
  server_->pool.unpin();
  return *std::exchange(server_, nullptr);
}

}  // namespace remuda::proxy
