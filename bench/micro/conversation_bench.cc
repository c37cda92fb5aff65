// Cost of the conversation per query and per forwarded megabyte, without sockets.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "remuda/session/conversation.h"
#include "remuda/wire/builder.h"

namespace {

using namespace remuda;
using session::Egress;

struct Pair {
  Pair() {
    client.release = session::Release::transaction;
    client.parameters = server.parameters = server.reported = table.empty_set();
  }
  session::ParameterTable table;
  session::ClientView client;
  session::ServerView server;
  std::vector<char> scratch = std::vector<char>(Egress::kMinScratch);
};

std::string simple_answer(size_t rows, size_t width) {
  const wire::Column column{"n", wire::oid::kText};
  std::string out;
  wire::row_description(out, std::span(&column, 1));
  const wire::Value value = std::string(width, 'x');
  for (size_t i = 0; i < rows; ++i) wire::data_row(out, std::span(&value, 1));
  wire::command_complete(out, "SELECT 1");
  wire::ready_for_query(out, 'I');
  return out;
}

void round_trip(Pair& pair, const std::string& question, const std::string& answer) {
  Egress to_server(pair.scratch);
  benchmark::DoNotOptimize(
      session::from_client(pair.client, &pair.server, question, to_server, {}));
  for (size_t at = 0; at < answer.size();) {
    Egress to_client(pair.scratch);
    const auto part = std::string_view(answer).substr(at, 64 * 1024);
    const auto progress = session::from_server(pair.server, &pair.client, part, to_client, {});
    at += progress.consumed;
  }
}

void simple_query(benchmark::State& state) {
  Pair pair;
  std::string question;
  wire::query(question, "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;");
  const std::string answer = simple_answer(1, 8);
  for (auto _ : state) round_trip(pair, question, answer);
}
BENCHMARK(simple_query);

void rows_forwarded(benchmark::State& state) {
  Pair pair;
  std::string question;
  wire::query(question, "SELECT * FROM t;");
  const std::string answer = simple_answer(1 << 20 >> 7, static_cast<size_t>(state.range(0)));
  for (auto _ : state) round_trip(pair, question, answer);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * answer.size()));
}
BENCHMARK(rows_forwarded)->Arg(16)->Arg(128)->Arg(4096);

}  // namespace
