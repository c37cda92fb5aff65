#include "admin/commands.h"
#include "admin/table.h"
#include "proxy/wait_reason.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kInt8;
using wire::oid::kText;

constexpr Column kWaitColumns[] = {
    {"database", kText, Merge::key}, {"user", kText, Merge::key},
    {"reason", kText, Merge::key},   {"count", kInt8, Merge::sum},
    {"total_us", kInt8, Merge::sum}, {"waiting", kInt4, Merge::sum},
};

void append(std::vector<Row>& rows, proxy::PoolShard& pool, Micros now) {
  // What the present waiters have waited so far counts too.
  pool.waits.advance(now, pool.waiting.size());
  for (size_t i = 0; i < proxy::kWaitReasons; ++i) {
    const auto reason = static_cast<proxy::WaitReason>(i);
    const proxy::WaitClock::Sum& sum = pool.waits.sums()[i];
    const size_t waiting = reason == pool.waits.reason() ? pool.waiting.size() : 0;
    rows.push_back({text(pool.database_name()), text(pool.user_name()),
                    text(proxy::to_text(reason)), number(sum.count), number(sum.time),
                    number(waiting)});
  }
}

std::vector<Row> waits_of(proxy::Worker& worker) {
  std::vector<Row> rows;
  for (auto& [key, pool] : worker.shards) append(rows, *pool, worker.now());
  return rows;
}

}  // namespace

Answer show_waits(Call& call) {
  Table table = co_await gather_table(call.control, kWaitColumns, waits_of);
  table.keep("database", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
