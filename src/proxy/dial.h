// From a slot to a server: resolve, connect, log in, join the pool.
#pragma once

#include "io/task.h"
#include "proxy/ledger.h"

namespace remuda::proxy {

class PoolShard;

// Reports to the pool by server_opened or dial_failed. A task of the pool's worker.
io::Task<void> dial(PoolShard& pool, Slot slot);

}  // namespace remuda::proxy
