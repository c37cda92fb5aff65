// The first packet of a connection.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "remuda/wire/builder.h"
#include "remuda/wire/startup.h"

namespace remuda::wire {
namespace {

void parse_startup_packet(benchmark::State& state) {
  const std::array parameters{Parameter{"user", "alice"}, Parameter{"database", "shop"},
                              Parameter{"application_name", "checkout"},
                              Parameter{"client_encoding", "UTF8"},
                              Parameter{"options", "-c statement_timeout=5s"}};
  std::string packet;
  startup_message(packet, parameters, 0x00030000);
  for (auto _ : state) {
    auto parsed = parse_startup(packet);
    benchmark::DoNotOptimize(parsed);
  }
}
BENCHMARK(parse_startup_packet);

void split_startup_options(benchmark::State& state) {
  for (auto _ : state) {
    auto options = split_options("-c statement_timeout=5s --search-path=a\\ b -cwork_mem=64MB");
    benchmark::DoNotOptimize(options);
  }
}
BENCHMARK(split_startup_options);

}  // namespace
}  // namespace remuda::wire
