// What looking at the text of every Query and Parse costs.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "remuda/session/setting_change.h"
#include "remuda/session/statement_text.h"

namespace remuda::session {
namespace {

void classify(benchmark::State& state, const char* text) {
  const std::string copy = text;
  for (auto _ : state) {
    ByteView view = copy;
    benchmark::DoNotOptimize(view);
    benchmark::DoNotOptimize(statement_kind(view));
  }
}
BENCHMARK_CAPTURE(classify, select, "SELECT abalance FROM pgbench_accounts WHERE aid = 1234567;");
BENCHMARK_CAPTURE(classify, select_s, "SELECT sum(abalance) FROM pgbench_accounts");
BENCHMARK_CAPTURE(classify, insert, "INSERT INTO pgbench_history VALUES ($1, $2, $3)");
BENCHMARK_CAPTURE(classify, update, "UPDATE pgbench_accounts SET abalance = abalance + $1");
BENCHMARK_CAPTURE(classify, delete_from, "DELETE FROM t WHERE a = $1");
BENCHMARK_CAPTURE(classify, begin, "BEGIN");
BENCHMARK_CAPTURE(classify, commit, "COMMIT");
BENCHMARK_CAPTURE(classify, set, "SET search_path TO a, b");
BENCHMARK_CAPTURE(classify, after_comment, "/* controller: orders */ SELECT 1");

void look_for_more(benchmark::State& state) {
  const std::string text = "SELECT abalance FROM pgbench_accounts WHERE aid = 1234567;" +
                           std::string(static_cast<size_t>(state.range(0)), ' ');
  for (auto _ : state) {
    ByteView view = text;
    benchmark::DoNotOptimize(view);
    benchmark::DoNotOptimize(may_hold_more(view));
  }
}
BENCHMARK(look_for_more)->Arg(0)->Arg(1000);

void read_set(benchmark::State& state) {
  const std::string text = "SET search_path TO \"$user\", public, 'app'";
  const std::string encoding = "UTF8";
  std::vector<SettingChange> changes;
  for (auto _ : state) {
    changes.clear();
    read_setting_changes(StatementKind::set, text, {true, &encoding}, changes);
    benchmark::DoNotOptimize(changes);
  }
}
BENCHMARK(read_set);

void split(benchmark::State& state) {
  std::string text;
  while (text.size() < 32 * 1024) text += "INSERT INTO t VALUES (1, 'it''s', $$x$$); ";
  for (auto _ : state) {
    ByteView rest = text;
    ByteView statement;
    while (next_statement(rest, statement, true)) benchmark::DoNotOptimize(statement);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(split);

}  // namespace
}  // namespace remuda::session
