#include "admin/stats_sum.h"

#include <algorithm>

#include "admin/gather.h"

namespace remuda::admin {
namespace {

using proxy::Stats;

uint64_t share(uint64_t time, uint64_t count) {
  return count == 0 ? 0 : time / count;
}

}  // namespace

void StatsSum::add(const proxy::StatsHistory& history, Micros now) {
  total += history.now;
  recent += history.now - history.older;
  span = std::max(span, now - history.older_time);
}

void StatsSum::add(const StatsSum& other) {
  total += other.total;
  recent += other.recent;
  span = std::max(span, other.span);
}

std::array<uint64_t, kCounters> StatsSum::totals() const {
  std::array<uint64_t, kCounters> values{};
  for (size_t i = 0; i < kCounters; ++i) values[i] = total.*Stats::kAll[i];
  return values;
}

std::array<uint64_t, kCounters> StatsSum::averages() const {
  const auto micros = static_cast<double>(std::max<Micros>(span, 1));
  std::array<uint64_t, kCounters> values{};
  for (size_t i = 0; i < kCounters; ++i) {
    const auto member = Stats::kAll[i];
    if (member == &Stats::transaction_time) {
      values[i] = share(recent.transaction_time, recent.transactions);
    } else if (member == &Stats::query_time) {
      values[i] = share(recent.query_time, recent.queries);
    } else if (member == &Stats::wait_time) {
      values[i] = share(recent.wait_time, recent.server_assignments);
    } else {
      values[i] = static_cast<uint64_t>(static_cast<double>(recent.*member) * kSecond / micros);
    }
  }
  return values;
}

StatsByDatabase stats_of(proxy::Worker& worker) {
  StatsByDatabase all;
  const Micros now = monotonic_now();
  for (const auto& [key, pool] : worker.shards) all[pool->database_name()].add(pool->stats, now);
  return all;
}

io::Task<StatsByDatabase> gather_stats(Call& call) {
  const std::vector<StatsByDatabase> parts = co_await gather(call.control, stats_of);
  StatsByDatabase all;
  for (const StatsByDatabase& part : parts) {
    for (const auto& [name, sum] : part) all[name].add(sum);
  }
  all[config::kConsoleName].add(call.consoles.stats(), monotonic_now());
  co_return all;
}

}  // namespace remuda::admin
