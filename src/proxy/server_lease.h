// A server lent to a task instead of a client, for a query of our own. Its stream is pulled; the
// pool counts it as active. It goes back by PoolShard::give_back; a lease that is dropped closes
// its server, as nobody knows what state it is in. A server that is closed meanwhile (shutdown)
// stays until the lease ends, with its stream closed. Owned by the task; worker's thread only.
#pragma once

#include <memory>
#include <string_view>

#include "proxy/server.h"

namespace remuda::proxy {

class ServerLease {
 public:
  explicit ServerLease(Server& server) noexcept;
  ServerLease(ServerLease&& other) noexcept;
  ServerLease& operator=(ServerLease&& other) = delete;
  ~ServerLease();

  Server& server() const noexcept { return *server_; }
  void close(std::string_view reason) noexcept;
  // The server is nobody's again.
  Server& end() noexcept;

  // For close_server: takes the closed server, to which the task still refers.
  void bury(std::unique_ptr<Server> closed) noexcept { closed_ = std::move(closed); }

 private:
  Server* server_;
  std::unique_ptr<Server> closed_;
};

}  // namespace remuda::proxy
