#include "model/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "model/report.h"
#include "model/simulation.h"

namespace remuda::bench::model {
namespace {

using Json = nlohmann::json;

struct Point {
  int workers;
  int clients;
  auto operator<=>(const Point&) const = default;
};

// Of all rounds, each figure for itself: what others on the machine do only makes it worse.
struct Measured {
  double throughput = 0;
  double mean = 0, p50 = 0, p99 = 0, cpu = 0;
  double core = 0;  // used, in the round of the best throughput
  int rounds = 0;
};

void take_least(double& value, double other) {
  if (value == 0 || other < value) value = other;
}

// "remuda" is one worker, "remuda:2" two; 0 for other programs.
int workers_of(const std::string& program) {
  if (program == "remuda") return 1;
  if (!program.starts_with("remuda:")) return 0;
  return std::clamp(std::atoi(program.c_str() + 7), 0, 64);
}

std::map<Point, Measured> points_of(const Json& results, int& skipped) {
  std::map<Point, Measured> points;
  for (const Json& cell : results.at("cells")) {
    const int workers = workers_of(cell.at("program").get<std::string>());
    const int clients = cell.at("clients").get<int>();
    const bool fits = workers > 0 && clients > 0 && clients <= 100'000 &&
                      cell.at("workload") == "simple" && cell.at("tps").get<double>() > 0;
    if (!fits) {
      ++skipped;
      continue;
    }
    Measured& point = points[{workers, clients}];
    if (const double tps = cell.at("tps").get<double>(); tps > point.throughput) {
      point.throughput = tps;
      point.core = cell.at("cpu_share").get<double>();
    }
    take_least(point.mean, cell.at("mean_us").get<double>());
    take_least(point.p50, cell.at("p50_us").get<double>());
    take_least(point.p99, cell.at("p99_us").get<double>());
    take_least(point.cpu, cell.at("cpu_us").get<double>());
    ++point.rounds;
  }
  return points;
}

// As bench/harness/machine.py pins.
Setup setup_of(const Json& results, const Point& point) {
  const int cores = results.at("machine").at("cores").get<int>();
  if (cores < 1 || cores > 4096) throw std::runtime_error("machine.cores makes no sense");
  Setup setup;
  setup.workers = point.workers;
  setup.clients = point.clients;
  setup.bench.used = true;
  setup.transactions = 100'000;
  const auto conditions = results.at("conditions").get<std::string>();
  if (cores == 1 || conditions.find("pooler on core") == std::string::npos) {
    throw std::runtime_error(
        "nothing was pinned: where the kernel puts threads that wake each other, and what that "
        "saves, the model does not know");
  }
  if (results.value("ration", 0.0) != 0) {
    throw std::runtime_error("the threads were rationed, which the model does not know");
  }
  setup.bench.server_cores = cores > 2 ? 1 : 0;
  setup.cores = std::min(point.workers, cores - 1 - setup.bench.server_cores);
  return setup;
}

std::string with_error(double predicted, double measured, int digits) {
  if (measured <= 0) return "-";
  return fmt::format("{:.{}f} / {:.{}f} ({:+.0f} %)", predicted, digits, measured, digits,
                     (predicted / measured - 1) * 100);
}

// A mark where the pooler did not get the cores that it could have used.
std::string used_text(const Result& found, const Setup& setup, const Measured& measured) {
  const double used = found.cores_use * setup.cores;
  const bool starved = measured.core < 0.85 * used;
  return fmt::format("{:.2f} / {:.2f}{}", used, measured.core, starved ? " *" : "  ");
}

}  // namespace

int validate(const std::string& path, const Costs& costs) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error(path + ": cannot be read");
  std::vector<std::vector<std::string>> rows = {
      {"workers, clients", "tps", "mean us", "p50 us", "p99 us", "CPU us/tx", "cores used"}};
  int skipped = 0;
  Json results;
  try {
    results = Json::parse(stream);
    if (results.at("server") != "null server" || results.at("rate") != 0) {
      throw std::runtime_error("it is not of bench/run --null-server without --rate");
    }
    for (const auto& [point, measured] : points_of(results, skipped)) {
      const Setup setup = setup_of(results, point);
      const Result found = Simulation(setup, costs).run();
      rows.push_back({fmt::format("{}, {}", point.workers, point.clients),
                      with_error(found.throughput, measured.throughput, 0),
                      with_error(found.mean, measured.mean, 0),
                      with_error(found.p50, measured.p50, 0),
                      with_error(found.p99, measured.p99, 0),
                      with_error(found.cpu_per_transaction, measured.cpu, 1),
                      used_text(found, setup, measured)});
    }
  } catch (const std::exception& fault) {
    throw std::runtime_error(path + ": " + fault.what());
  }
  if (rows.size() == 1) throw std::runtime_error(path + ": no workload simple of remuda in it");
  std::printf(
      "predicted / measured (error); measured: the best of all rounds, each figure for itself\n"
      "%s* the pooler had less of its cores than it could use: others were at work, or the load "
      "was\n%s\n",
      grid(rows).c_str(), results.at("conditions").get<std::string>().c_str());
  if (skipped > 0)
    std::printf("%d cells of other workloads or programs, or failed, were left out\n", skipped);
  return 0;
}

}  // namespace remuda::bench::model
