#include <fmt/core.h>

#include "admin/commands.h"
#include "admin/stats_sum.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

using wire::oid::kNumeric;
using wire::oid::kText;

// Every list of counters is in the order of Stats::kAll.
constexpr Column kStatsColumns[] = {
    {"database", kText},
    {"total_server_assignment_count", kNumeric},
    {"total_xact_count", kNumeric},
    {"total_query_count", kNumeric},
    {"total_received", kNumeric},
    {"total_sent", kNumeric},
    {"total_xact_time", kNumeric},
    {"total_query_time", kNumeric},
    {"total_wait_time", kNumeric},
    {"total_client_parse_count", kNumeric},
    {"total_server_parse_count", kNumeric},
    {"total_bind_count", kNumeric},
    {"total_client_login_count", kNumeric},
    {"avg_server_assignment_count", kNumeric},
    {"avg_xact_count", kNumeric},
    {"avg_query_count", kNumeric},
    {"avg_recv", kNumeric},
    {"avg_sent", kNumeric},
    {"avg_xact_time", kNumeric},
    {"avg_query_time", kNumeric},
    {"avg_wait_time", kNumeric},
    {"avg_client_parse_count", kNumeric},
    {"avg_server_parse_count", kNumeric},
    {"avg_bind_count", kNumeric},
    {"avg_client_login_count", kNumeric},
};

constexpr Column kTotalsColumns[] = {
    {"database", kText},
    {"server_assignment_count", kNumeric},
    {"xact_count", kNumeric},
    {"query_count", kNumeric},
    {"bytes_received", kNumeric},
    {"bytes_sent", kNumeric},
    {"xact_time", kNumeric},
    {"query_time", kNumeric},
    {"wait_time", kNumeric},
    {"client_parse_count", kNumeric},
    {"server_parse_count", kNumeric},
    {"bind_count", kNumeric},
    {"client_login_count", kNumeric},
};

constexpr Column kAveragesColumns[] = {
    {"database", kText},
    {"server_assignment_count", kNumeric},
    {"xact_count", kNumeric},
    {"query_count", kNumeric},
    {"bytes_received", kNumeric},
    {"bytes_sent", kNumeric},
    {"xact_time", kNumeric},
    {"query_time", kNumeric},
    {"wait_time", kNumeric},
    {"avg_client_parse_count", kNumeric},
    {"avg_server_parse_count", kNumeric},
    {"avg_bind_count", kNumeric},
    {"avg_client_login_count", kNumeric},
};

constexpr Column kSumColumns[] = {{"name", kText}, {"value", kNumeric}};

constexpr const char* kSumNames[kCounters] = {
    "server_assignment_count",
    "xact_count",
    "query_count",
    "client_bytes",
    "server_bytes",
    "xact_time",
    "query_time",
    "wait_time",
    "ps_client_parse_count",
    "ps_server_parse_count",
    "ps_bind_count",
    "client_login_count",
};

static_assert(std::size(kStatsColumns) == 1 + 2 * kCounters);
static_assert(std::size(kTotalsColumns) == 1 + kCounters);
static_assert(std::size(kAveragesColumns) == 1 + kCounters);

Answer stats_answer(Call& call, std::span<const Column> columns, bool totals, bool averages) {
  const StatsByDatabase all = co_await gather_stats(call);
  Table table(columns);
  for (const auto& [name, sum] : all) {
    Row row = {text(name)};
    if (totals) {
      for (const uint64_t value : sum.totals()) row.push_back(number(value));
    }
    if (averages) {
      for (const uint64_t value : sum.averages()) row.push_back(number(value));
    }
    table.add(std::move(row));
  }
  table.keep("database", call.name);
  co_return table.messages();
}

void add_sums(Table& table, const char* prefix, const std::array<uint64_t, kCounters>& values) {
  for (size_t i = 0; i < kCounters; ++i) {
    table.add({text(fmt::format("{}{}", prefix, kSumNames[i])), number(values[i])});
  }
}

}  // namespace

Answer show_stats(Call& call) {
  co_return co_await stats_answer(call, kStatsColumns, true, true);
}

Answer show_stats_totals(Call& call) {
  co_return co_await stats_answer(call, kTotalsColumns, true, false);
}

Answer show_stats_averages(Call& call) {
  co_return co_await stats_answer(call, kAveragesColumns, false, true);
}

Answer show_totals(Call& call) {
  const StatsByDatabase all = co_await gather_stats(call);
  StatsSum sum;
  for (const auto& [name, part] : all) sum.add(part);
  Table table(kSumColumns);
  add_sums(table, "total_", sum.totals());
  add_sums(table, "avg_", sum.averages());
  co_return table.messages();
}

}  // namespace remuda::admin
