#include "model/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace remuda::bench::model {
namespace {

std::string workers_text(const Result& result) {
  const auto& use = result.worker_use;
  if (use.size() == 1) return percent_text(use.front()) + " of one core";
  double sum = 0;
  for (const double one : use) sum += one;
  return fmt::format("{} of a core each on average, {} the least, {} the most",
                     percent_text(sum / static_cast<double>(use.size())),
                     percent_text(*std::min_element(use.begin(), use.end())),
                     percent_text(result.busiest_worker));
}

}  // namespace

std::string time_text(double us) {
  if (us >= 1e6) return fmt::format("{:.2f} s", us / 1e6);
  if (us >= 10'000) return fmt::format("{:.0f} ms", us / 1000);
  if (us >= 1000) return fmt::format("{:.2f} ms", us / 1000);
  return fmt::format("{:.0f} us", us);
}

std::string count_text(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (auto place = static_cast<int>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<size_t>(place), ",");
  }
  return digits;
}

std::string percent_text(double share) {
  return fmt::format("{:.0f} %", share * 100);
}

std::string explain(const Setup& setup, const Result& result) {
  switch (result.bottleneck) {
    case Bottleneck::cores:
      return "the cores of remuda's machine are full: more cores";
    case Bottleneck::worker:
      return static_cast<int>(result.worker_use.size()) < setup.cores
                 ? "a worker is full: more workers, and servers enough for as many homes"
                 : "a worker is full, and there is no core for another: more cores";
    case Bottleneck::server:
      return "PostgreSQL's cores are full: only faster queries or more of them help";
    case Bottleneck::pool:
      return "all server connections are in use: a larger pool, if PostgreSQL can bear it";
    case Bottleneck::clients:
      break;
  }
  if (result.load_use > 0.95) return "the load program's core is full";
  return "nothing is full: the clients do not ask for more";
}

std::string report(const Setup& setup, const Result& result) {
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<18}{}\n", name, value);
  };
  line("throughput", count_text(result.throughput) + " transactions per second");
  if (result.overloaded) {
    line("overloaded", fmt::format("{} per second were asked for; queues grow without end, "
                                   "so the latencies below have no meaning",
                                   count_text(setup.rate)));
  }
  line("latency",
       fmt::format("mean {}, p50 {}, p99 {}, p99.9 {}", time_text(result.mean),
                   time_text(result.p50), time_text(result.p99), time_text(result.p999)));
  line("wait in the pool", fmt::format("{} of the transactions; mean of all {}, p99 {}",
                                       percent_text(result.wait_share), time_text(result.wait_mean),
                                       time_text(result.wait_p99)));
  line("workers", workers_text(result));
  line("CPU",
       fmt::format("{:.1f} us per transaction; {} of {} core{}", result.cpu_per_transaction,
                   percent_text(result.cores_use), setup.cores, setup.cores == 1 ? "" : "s"));
  line("server", percent_text(result.pool_use) + " of the connections in use" +
                     (result.server_use > 0 && !setup.bench.used
                          ? ", " + percent_text(result.server_use) + " of its cores"
                          : ""));
  if (setup.logins > 0) {
    line("logins", fmt::format("{} per second, mean {}, p99 {}", count_text(result.logins_per_s),
                               time_text(result.login_mean), time_text(result.login_p99)));
  }
  if (result.lent_per_s >= 0.5)
    line("lent", count_text(result.lent_per_s) + " connections per second");
  line("bottleneck", std::string(name_of(result.bottleneck)) + ": " + explain(setup, result));
  return text;
}

std::string grid(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace remuda::bench::model
