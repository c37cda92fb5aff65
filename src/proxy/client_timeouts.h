// How long a client may take over what it does, by the name it logged in with. Pure; any thread.
#pragma once

#include <string>

#include "config/config.h"
#include "remuda/base/time.h"

namespace remuda::proxy {

// 0: no limit.
struct ClientTimeouts {
  Micros query = 0;
  Micros transaction = 0;
  Micros idle_transaction = 0;
  Micros idle = 0;

  // Whoever has a server may take too long.
  bool limit_use() const noexcept { return query > 0 || transaction > 0 || idle_transaction > 0; }
};

ClientTimeouts client_timeouts(const config::Config& config, const std::string& user);

// The shortest of each that any user has: who is younger than that need not be looked at.
ClientTimeouts shortest_timeouts(const config::Config& config);

}  // namespace remuda::proxy
