// Where a dial goes: which host of a database, and which of its addresses. The turn is kept in the
// ledger, so that all workers of a pool share it. On the pool's worker.
#pragma once

#include <string>

#include "config/config.h"
#include "io/address.h"
#include "io/task.h"
#include "remuda/base/time.h"
#include "route/host_board.h"

namespace remuda::proxy {

class PoolShard;

struct Destination {
  std::string host;
  int port = 0;
  route::HostClaim claim;     // if its hosts are checked
  bool is_makeshift = false;  // no host of the role that is preferred was there
};

// The host whose turn it is; of those that are checked, one that is up and has the wanted role.
// Throws PgError without any; ConnectFailure when none is fit at the moment.
Destination next_host(PoolShard& pool, const config::Database& database);

// The address at which that host was checked, else the one of it whose turn it is. Throws
// ConnectFailure when the name has none; Closed and TimedOut. The destination outlives it.
io::Task<io::Address> find_address(PoolShard& pool, const Destination& to, Micros timeout);

// A dial has failed: with load_balance_hosts=disable a host is kept until then.
void leave_host(PoolShard& pool);

}  // namespace remuda::proxy
