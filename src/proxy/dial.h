// From a slot to a server: resolve, connect, log in, join the pool.
#pragma once

#include "io/task.h"
#include "proxy/ledger.h"
#include "proxy/replication.h"

namespace remuda::proxy {

class PoolShard;

// Reports to the pool by server_opened or dial_failed. A task of the pool's worker.
io::Task<void> dial(PoolShard& pool, Slot slot);

// A server outside the pool's lists, with more start-up parameters. The pool learns nothing from
// its failure: PgError("login failed"); the reason is in the log.
io::Task<OwnServer> dial_own(PoolShard& pool, Slot slot, Replication replication,
                             std::vector<wire::Parameter> startup);

}  // namespace remuda::proxy
