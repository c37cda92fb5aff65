#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/table.h"
#include "io/block_pool.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kText;

constexpr Column kMemoryColumns[] = {
    {"name", kText}, {"size", kInt4}, {"used", kInt4}, {"free", kInt4}, {"memtotal", kInt4},
};

struct MemoryCounts {
  size_t pools = 0;
  size_t clients = 0;
  size_t servers = 0;
  size_t blocks = 0;
  size_t free_blocks = 0;
  size_t block_bytes = 0;
};

MemoryCounts memory_counts(proxy::Worker& worker) {
  MemoryCounts counts;
  counts.pools = worker.shards.size();
  for (const auto& [key, pool] : worker.shards) {
    counts.clients += pool->clients.size();
    counts.servers += pool->server_count();
  }
  counts.blocks = worker.loop.blocks().in_use();
  counts.free_blocks = worker.loop.blocks().kept();
  counts.block_bytes = worker.loop.blocks().bytes();
  return counts;
}

Row line(const char* name, size_t size, size_t used, size_t free) {
  return {text(name), number(size), number(used), number(free), number(size * (used + free))};
}

// A connection is the object and the handle of its socket.
constexpr size_t with_handle(size_t size) {
  return size + sizeof(uv_tcp_t);
}

}  // namespace

// The objects themselves: what they hold besides, such as names, is not counted.
Answer show_mem(Call& call) {
  const std::vector<MemoryCounts> parts = co_await gather(call.control, memory_counts);
  MemoryCounts sum;
  for (const MemoryCounts& part : parts) {
    sum.pools += part.pools;
    sum.clients += part.clients;
    sum.servers += part.servers;
    sum.blocks += part.blocks;
    sum.free_blocks += part.free_blocks;
    sum.block_bytes += part.block_bytes;
  }
  const proxy::Ledgers& ledgers = call.control.shared().ledgers;
  Table table(kMemoryColumns);
  table.add(line("user_cache", sizeof(proxy::UserLedger), ledgers.users().size(), 0));
  table.add(line("db_cache", sizeof(proxy::DatabaseLedger), ledgers.databases().size(), 0));
  table.add(line("pool_cache", sizeof(proxy::PoolShard), sum.pools, 0));
  table.add(line("client_cache", with_handle(sizeof(proxy::Client)), sum.clients, 0));
  table.add(line("server_cache", with_handle(sizeof(proxy::Server)), sum.servers, 0));
  // Blocks have several sizes: shown is the largest, the total is that of all.
  table.add({text("iobuf_cache"), number(io::BlockPool::kLargest), number(sum.blocks),
             number(sum.free_blocks), number(sum.block_bytes)});
  co_return table.messages();
}

}  // namespace remuda::admin
