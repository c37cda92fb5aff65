// One check of a host: connect, log in, ask it what it is. A task of the control loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/address.h"
#include "io/loop.h"
#include "io/offload.h"
#include "io/task.h"
#include "io/task_scope.h"
#include "pg/key_cache.h"
#include "proxy/shared.h"
#include "remuda/wire/secret.h"
#include "route/host_role.h"
#include "route/wal_history.h"

namespace remuda::proxy {

// What every check shares.
struct ProbeTools {
  io::Loop& loop;
  io::TaskScope& tasks;
  io::OffloadLimit& crypto;
  pg::KeyCache& keys;
};

// Where to, and as whom.
struct ProbeTarget {
  std::string host;  // the name that its certificate has
  io::Address address;
  std::string user;
  std::string database;
  wire::Secret secret;
};

struct ProbeAnswer {
  route::HostRole role = route::HostRole::unknown;
  std::optional<uint64_t> written;  // position of a primary
  route::StandbyPosition standby;   // of a standby
  uint32_t timeline = 0;
  uint64_t system = 0;  // the cluster's identifier
};

// Throws what connecting, TLS, login and query do: pg::ServerRefusal and pg::QueryRefusal when the
// server has said no; TimedOut.
io::Task<ProbeAnswer> probe_host(ProbeTools& tools, Snapshot snapshot, ProbeTarget target);

}  // namespace remuda::proxy
