#include "model/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "model/curves.h"
#include "model/report.h"
#include "model/simulation.h"

namespace remuda::bench::model {
namespace {

// An eighth, a quarter, half, all.
std::vector<int> shares_of(int cores) {
  std::vector<int> shares;
  for (const int part : {8, 4, 2, 1}) {
    const int workers = std::clamp(cores / part, 1, 64);
    if (shares.empty() || shares.back() != workers) shares.push_back(workers);
  }
  return shares;
}

std::vector<Setup> cases_of(const Options& options, Setup setup) {
  const auto cores = options.counts("cores", {8, 16, 32, 64}, 1, 1024);
  const auto workers = options.counts("workers", {}, 1, 64);
  const auto sizes = options.counts("pool-size", {20, 100, 400}, 1, 10'000);
  const auto clients = options.counts("clients", {64, 1000, 5000}, 1, 1'000'000);
  std::vector<Setup> cases;
  for (const int some_clients : clients) {
    for (const int some_cores : cores) {
      for (const int size : sizes) {
        for (const int some_workers : workers.empty() ? shares_of(some_cores) : workers) {
          if (some_workers > some_cores) continue;
          setup.clients = some_clients, setup.cores = some_cores;
          setup.pool_size = size, setup.workers = some_workers;
          cases.push_back(setup);
        }
      }
    }
  }
  if (cases.empty()) throw std::invalid_argument("--workers: there are more than cores everywhere");
  if (cases.size() > 5000) throw std::invalid_argument("--table: more than 5000 rows");
  return cases;
}

std::vector<std::string> row_of(const Setup& setup, const Result& result) {
  const auto latency = [&result](double us) { return result.overloaded ? "-" : time_text(us); };
  return {count_text(setup.clients),
          std::to_string(setup.cores),
          std::to_string(setup.pool_size),
          std::to_string(setup.workers),
          count_text(result.throughput),
          latency(result.p50),
          latency(result.p99),
          latency(result.p999),
          latency(result.wait_mean),
          percent_text(result.busiest_worker),
          fmt::format("{:.1f}", result.cpu_per_transaction),
          percent_text(result.cores_use),
          std::string(name_of(result.bottleneck))};
}

std::string load_text(const Setup& setup) {
  return fmt::format(
      "{}; {} in the server per transaction of {} quer{}; {} pool{}; {:.0f} % TLS; {} logins/s",
      setup.rate > 0    ? count_text(setup.rate) + " transactions/s"
      : setup.think > 0 ? "clients think " + time_text(setup.think)
                        : std::string("clients ask at once"),
      time_text(setup.service.mean * setup.queries), setup.queries,
      setup.queries == 1 ? "y" : "ies", setup.pools, setup.pools == 1 ? "" : "s",
      setup.tls_share * 100, count_text(setup.logins));
}

}  // namespace

int print_table(const Options& options, const Setup& setup, const Costs& costs) {
  std::vector<Prediction> predictions;
  std::vector<std::vector<std::string>> rows = {{"clients", "cores", "pool", "workers", "tps",
                                                 "p50", "p99", "p99.9", "wait", "busiest",
                                                 "CPU us/tx", "cores used", "bottleneck"}};
  const std::vector<Setup> cases = cases_of(options, setup);
  for (const Setup& one : cases) {
    if (predictions.size() % 10 == 0) {
      std::fprintf(stderr, "\r%zu of %zu", predictions.size(), cases.size());
    }
    predictions.push_back({one, Simulation(one, costs).run()});
    rows.push_back(row_of(one, predictions.back().result));
  }
  std::fputs("\r              \r", stderr);
  std::printf("%s\n%s", load_text(setup).c_str(), grid(rows).c_str());
  if (!options.has("svg")) return 0;
  std::ofstream file(options.text("svg"));
  file << curves(predictions, load_text(setup));
  if (!file.flush()) throw std::runtime_error(options.text("svg") + ": cannot be written");
  return 0;
}

}  // namespace remuda::bench::model
