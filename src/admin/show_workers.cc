#include "admin/commands.h"
#include "admin/table.h"
#include "remuda/base/time.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kInt8;

constexpr Column kWorkerColumns[] = {
    {"worker", kInt4, Merge::key},
    {"pools", kInt4},
    {"clients", kInt4},
    {"waiting", kInt4},
    {"logins", kInt4},
    {"servers", kInt4},
    {"queries", kInt8},
    {"lent", kInt8},
    {"taken", kInt8},
    {"cpu_us", kInt8},
};

std::vector<Row> worker_row(proxy::Worker& worker) {
  size_t clients = 0;
  size_t waiting = 0;
  size_t servers = 0;
  uint64_t queries = 0;
  uint64_t lent = 0;
  uint64_t taken = 0;
  for (auto& [key, pool] : worker.shards) {
    clients += pool->clients.size();
    waiting += pool->waiting.size();
    servers += pool->server_count();
    queries += pool->stats.now.queries;
    lent += pool->lent;
    taken += pool->taken;
  }
  Row row{number(worker.index()),  number(worker.shards.size()),
          number(clients),         number(waiting),
          number(worker.logins()), number(servers),
          number(queries),         number(lent),
          number(taken),           number(thread_cpu_time())};
  std::vector<Row> rows;
  rows.push_back(std::move(row));
  return rows;
}

}  // namespace

Answer show_workers(Call& call) {
  Table table = co_await gather_table(call.control, kWorkerColumns, worker_row);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
