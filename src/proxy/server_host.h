// Where a dial goes: which element of a database's host list, and which of its addresses. The turn
// is kept in the ledger, so that all workers of a pool share it. On the pool's worker.
#pragma once

#include <string>

#include "config/config.h"
#include "io/address.h"
#include "io/task.h"
#include "remuda/base/time.h"

namespace remuda::proxy {

class PoolShard;

// The element of the host list whose turn it is. Throws PgError without any.
std::string next_host(PoolShard& pool, const config::Database& database);

// The address of that host whose turn it is. Throws ConnectFailure when the name has none; Closed
// and TimedOut.
io::Task<io::Address> find_address(PoolShard& pool, const config::Database& database,
                                   std::string host, Micros timeout);

// A dial has failed: with load_balance_hosts=disable a host is kept until then.
void leave_host(PoolShard& pool);

}  // namespace remuda::proxy
