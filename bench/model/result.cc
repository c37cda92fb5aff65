#include <algorithm>

#include "model/simulation.h"

namespace remuda::bench::model {
namespace {

// From this share on something counts as saturated.
constexpr double kFull = 0.95;

}  // namespace

std::string_view name_of(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::clients:
      return "clients";
    case Bottleneck::pool:
      return "pool";
    case Bottleneck::worker:
      return "worker";
    case Bottleneck::cores:
      return "cores";
    case Bottleneck::server:
      return "server";
  }
  return "?";
}

Result Simulation::result() {
  Result result;
  const double took = now() - tally_.since;
  result.seconds = took / 1e6;
  tally_.change(now(), 0);
  const Timing& latency = tally_.latency;
  const auto count = static_cast<double>(latency.count());
  result.throughput = count / result.seconds;
  result.mean = latency.mean();
  result.p50 = latency.percentile(0.5);
  result.p99 = latency.percentile(0.99);
  result.p999 = latency.percentile(0.999);
  result.wait_mean = tally_.wait.mean();
  result.wait_p99 = tally_.wait.percentile(0.99);
  result.wait_share = static_cast<double>(tally_.waited) /
                      static_cast<double>(std::max<uint64_t>(tally_.wait.count(), 1));
  result.in_system = tally_.presence / took;
  result.begun = tally_.begun;
  result.ended = tally_.ended;
  result.left = tally_.in_progress;

  double busy = handshakes_ ? handshakes_->busy() : 0;
  for (const auto& worker : workers_) {
    result.worker_use.push_back(worker->busy() / took);
    busy += worker->busy();
  }
  result.busiest_worker = *std::max_element(result.worker_use.begin(), result.worker_use.end());
  result.cpu_per_transaction = busy / count;
  const bool shares = setup_.server_shares_cores;
  const double server = server_ ? server_->busy() : null_server_ ? null_server_->busy() : 0;
  double load = load_ ? load_->busy() : 0;
  if (setup_.bench.used) {
    if (setup_.bench.server_cores == 0) load += server;
    result.load_use = load / took / setup_.bench.load_cores;
  } else if (shares) {
    busy += server;
  }
  result.cores_use = busy / took / setup_.cores;
  if (server_) result.server_use = server / took / (shares ? setup_.cores : setup_.server_cores);
  if (null_server_ && setup_.bench.server_cores > 0) {
    result.server_use = server / took / setup_.bench.server_cores;
  }
  for (const auto& pool : pools_) {
    result.pool_use += pool->use() / took / pool->limit() / setup_.pools;
    result.lent_per_s += static_cast<double>(pool->lent()) / result.seconds;
    result.servers_lost += static_cast<uint64_t>(
        std::abs(pool->opened() - pool->in_use() - pool->idle() - pool->on_the_way()));
  }
  const Timing& logins = logins_.timing();
  result.logins_per_s = static_cast<double>(logins.count()) / result.seconds;
  result.login_mean = logins.mean();
  result.login_p99 = logins.percentile(0.99);
  result.steps = agenda_.steps();
  judge(result);
  return result;
}

// What is full, beginning with what makes the others look full: a server connection stays in use
// while the reply waits for a busy worker.
void Simulation::judge(Result& result) const {
  result.overloaded = setup_.rate > 0 && (result.throughput < 0.97 * setup_.rate ||
                                          static_cast<double>(result.left) > 3 * result.in_system);
  if (setup_.bench.used && result.load_use > kFull && result.busiest_worker < kFull) {
    result.bottleneck = Bottleneck::clients;
  } else if (result.cores_use > kFull) {
    result.bottleneck = Bottleneck::cores;
  } else if (result.busiest_worker > kFull) {
    result.bottleneck = Bottleneck::worker;
  } else if (result.server_use > kFull) {
    result.bottleneck = Bottleneck::server;
  } else if (result.pool_use > kFull) {
    result.bottleneck = Bottleneck::pool;
  }
}

}  // namespace remuda::bench::model
