// Counters of a database, summed over its pools and over workers, with the averages made from them.
// Plain values.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "admin/call.h"
#include "proxy/stats.h"
#include "proxy/worker.h"

namespace remuda::admin {

constexpr size_t kCounters = std::size(proxy::Stats::kAll);

struct StatsSum {
  proxy::Stats total;
  proxy::Stats recent;  // since the last mark but one
  Micros span = 0;      // how long that is

  void add(const proxy::StatsHistory& history, Micros now);
  void add(const StatsSum& other);

  // In the order of Stats::kAll. Averages are per second; those of times are per transaction, query
  // and assignment.
  std::array<uint64_t, kCounters> totals() const;
  std::array<uint64_t, kCounters> averages() const;
};

using StatsByDatabase = std::map<std::string, StatsSum>;

// On the worker's thread.
StatsByDatabase stats_of(proxy::Worker& worker);

// Of all workers, and of the console.
io::Task<StatsByDatabase> gather_stats(Call& call);

}  // namespace remuda::admin
