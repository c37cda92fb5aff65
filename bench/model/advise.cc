#include "model/advise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "model/report.h"
#include "model/simulation.h"

namespace remuda::bench::model {
namespace {

// A connection in ten stays for administrators and others, and PostgreSQL keeps three itself.
int connections_per_pool(int max_connections, int pools) {
  return (max_connections - std::max(3, max_connections / 10)) / pools;
}

// How long a transaction holds a server, without queues.
double holding_time(const Setup& setup, const Costs& costs) {
  const double relayed = 2 * costs.event + 2 * costs.wake_delay;
  return setup.queries * (setup.service.mean + setup.server_rtt + relayed) +
         (setup.queries - 1) * (setup.client_rtt + relayed);
}

// Transactions per second that are asked for.
double demand(const Setup& setup, const Costs& costs) {
  if (setup.rate > 0) return setup.rate;
  const double round = setup.think + holding_time(setup, costs) + setup.client_rtt;
  return setup.clients * 1e6 / std::max(round, 1.0);
}

double cpu_per_transaction(const Setup& setup, const Costs& costs) {
  return setup.queries * (2 * costs.event + 2 * setup.tls_share * costs.tls_event +
                          (setup.extended ? costs.extended_query : 0));
}

double cpu_per_login(const Setup& setup, const Costs& costs) {
  if (setup.login == Login::trust) return costs.login_trust;
  return setup.login == Login::scram ? costs.login_scram : costs.login_tls + costs.handshake;
}

[[noreturn]] void refuse(const std::string& text) {
  throw std::invalid_argument(text);
}

// A load that no setting can carry is told at once, with the number that it fails by.
void check_possible(const Setup& setup, int most_servers, const Costs& costs) {
  if (most_servers < 1) {
    refuse(
        fmt::format("--max-connections leaves none for each of {} pools, after a reserve of a "
                    "tenth and at least 3",
                    setup.pools));
  }
  if (setup.clients < setup.pools) refuse("--clients: fewer than --pools");
  const double logins = setup.logins * cpu_per_login(setup, costs) / 1e6;
  if (logins > setup.cores) {
    refuse(fmt::format("--logins: {} logins per second take {:.1f} cores alone, and there are {}",
                       count_text(setup.logins), logins, setup.cores));
  }
  if (setup.rate <= 0) return;
  const double own = setup.rate * cpu_per_transaction(setup, costs) / 1e6 + logins;
  const double server = setup.rate * setup.service.mean * setup.queries / 1e6;
  const double own_room = setup.cores - (setup.server_shares_cores ? server : 0);
  if (own > own_room) {
    refuse(fmt::format(
        "--tps: {} transactions per second take {:.1f} cores in remuda{}, and there "
        "are {}",
        count_text(setup.rate), own,
        setup.server_shares_cores ? fmt::format(" and {:.1f} in PostgreSQL", server) : "",
        setup.cores));
  }
  if (setup.server_cores > 0 && server > setup.server_cores) {
    refuse(
        fmt::format("--tps: {} transactions of {} keep {:.1f} cores of PostgreSQL busy, and "
                    "there are {}",
                    count_text(setup.rate), time_text(setup.service.mean * setup.queries), server,
                    setup.server_cores));
  }
  const double held = setup.rate * holding_time(setup, costs) / 1e6;
  if (held > most_servers * setup.pools) {
    refuse(fmt::format(
        "--tps: {} transactions that each hold a connection for {} need {} "
        "connections, and --max-connections leaves {}: at most {} per second",
        count_text(setup.rate), time_text(holding_time(setup, costs)), count_text(std::ceil(held)),
        most_servers * setup.pools, count_text(setup.rate * most_servers * setup.pools / held)));
  }
}

// Workers that keep below 60 % of a core each.
int first_guess_of_workers(const Setup& setup, const Costs& costs) {
  const double busy = demand(setup, costs) * cpu_per_transaction(setup, costs) / 1e6 +
                      setup.logins * cpu_per_login(setup, costs) / 1e6;
  const int most = std::min(setup.cores, 64);
  return static_cast<int>(std::clamp(std::ceil(busy / 0.6), 1.0, static_cast<double>(most)));
}

// What is held on average, and three deviations of it for the crowd.
int first_guess_of_servers(const Setup& setup, const Costs& costs, int most) {
  double held = demand(setup, costs) / setup.pools * holding_time(setup, costs) / 1e6;
  if (setup.server_cores > 0) held = std::min(held, 2.0 * setup.server_cores / setup.pools);
  const int clients = setup.clients / setup.pools + 1;
  const double crowd = std::ceil(held + 3 * std::sqrt(held) + 1);
  const double bound = setup.rate > 0 ? most : std::min(most, clients);
  return static_cast<int>(std::clamp(crowd, 1.0, bound));
}

bool is_better(const Result& other, const Result& than) {
  if (other.overloaded != than.overloaded) return than.overloaded;
  if (other.throughput > than.throughput * 1.03) return true;
  return other.throughput > than.throughput * 0.99 && other.p99 < than.p99 * 0.85;
}

// More workers, then more servers, as long as that changes something.
void improve(Advice& advice, int most_servers, const Costs& costs) {
  const auto attempt = [&advice, &costs](int workers, int servers) {
    Setup setup = advice.setup;
    setup.workers = workers;
    setup.pool_size = servers;
    const Result result = Simulation(setup, costs).run();
    const bool better = is_better(result, advice.result);
    if (better) advice.setup = setup, advice.result = result;
    return better;
  };
  const int most_workers = std::min(advice.setup.cores, 64);
  for (bool better = true; better;) {
    const int workers =
        std::min(most_workers, advice.setup.workers + std::max(advice.setup.workers / 3, 1));
    const int servers =
        std::min(most_servers, advice.setup.pool_size + advice.setup.pool_size / 3 + 1);
    better = servers > advice.setup.pool_size && advice.result.wait_share > 0.01 &&
             attempt(advice.setup.workers, servers);
    if (better || workers == advice.setup.workers) continue;
    better = attempt(workers, advice.setup.pool_size);
    // A pool has a home for each four servers: more workers may need more of them.
    if (!better && servers > advice.setup.pool_size && advice.result.wait_share > 0.01) {
      better = attempt(workers, servers);
    }
  }
}

// A worker that is busy most of the time has nothing left for a peak.
void spread_work(Advice& advice, const Costs& costs) {
  constexpr double kBusy = 0.7;
  while (advice.result.busiest_worker > kBusy &&
         advice.setup.workers < std::min(advice.setup.cores, 64)) {
    Setup setup = advice.setup;
    ++setup.workers;
    const Result result = Simulation(setup, costs).run();
    if (result.busiest_worker > 0.97 * advice.result.busiest_worker ||
        result.throughput < 0.99 * advice.result.throughput) {
      return;
    }
    advice.setup = setup, advice.result = result;
  }
}

// What is nearest to its limit, counted as if the load grew and nothing else changed.
void find_first_full(Advice& advice) {
  auto consider = [&advice, most = 0.0](double use, const std::string& what) mutable {
    if (use <= most) return;
    most = use;
    advice.first_full = what;
    advice.headroom = 1 / use;
  };
  const Result& result = advice.result;
  const Setup& setup = advice.setup;
  consider(result.pool_use,
           fmt::format("the server connections ({} in use)", percent_text(result.pool_use)));
  consider(result.server_use,
           fmt::format("PostgreSQL's cores ({} busy)", percent_text(result.server_use)));
  consider(result.busiest_worker,
           fmt::format("the busiest worker ({} of its core)", percent_text(result.busiest_worker)));
  consider(result.cores_use,
           fmt::format("the {} core{} of remuda's machine ({} busy)", setup.cores,
                       setup.cores == 1 ? "" : "s", percent_text(result.cores_use)));
}

void remark(Advice& advice, int most_servers) {
  const Setup& setup = advice.setup;
  const Result& result = advice.result;
  auto& remarks = advice.remarks;
  if (result.overloaded) {
    remarks.push_back(
        fmt::format("This load is not carried: {} of {} transactions per second get "
                    "through. Less load, shorter transactions or more of what is full.",
                    count_text(result.throughput), count_text(setup.rate)));
  }
  if (setup.pool_size == most_servers && result.wait_share > 0.05) {
    remarks.push_back("The pool takes all that max_connections leaves, and clients still wait.");
  }
  if (setup.server_cores > 0 && setup.pool_size * setup.pools > 4 * setup.server_cores) {
    remarks.push_back(
        "More than four connections per core of PostgreSQL: that pays only if its "
        "transactions wait for disks, locks or clients.");
  }
  if (setup.server_cores == 0 && !setup.server_shares_cores) {
    remarks.push_back(
        "PostgreSQL is taken to be as fast with all these connections at once as with "
        "one; --server-cores says what it has.");
  }
  if (advice.headroom < 1.3 && !result.overloaded) {
    remarks.push_back(
        "There is little room: a peak, or a machine slower than the one of costs.json, "
        "fills it.");
  }
}

}  // namespace

Advice advise(const Setup& wanted, int max_connections, const Costs& costs) {
  const int most_servers = connections_per_pool(max_connections, wanted.pools);
  check_possible(wanted, most_servers, costs);
  Advice advice;
  advice.setup = wanted;
  advice.setup.workers = first_guess_of_workers(wanted, costs);
  advice.setup.pool_size = first_guess_of_servers(wanted, costs, most_servers);
  advice.result = Simulation(advice.setup, costs).run();
  improve(advice, most_servers, costs);
  spread_work(advice, costs);
  find_first_full(advice);
  remark(advice, most_servers);
  return advice;
}

int print_advice(const Options& options, const Setup& wanted, const Costs& costs) {
  for (const char* chosen : {"workers", "pool-size"}) {
    if (options.has(chosen)) refuse(fmt::format("--{} is what --advise finds out", chosen));
  }
  const int max_connections = options.count("max-connections", 100, 4, 100'000);
  const Advice advice = advise(wanted, max_connections, costs);
  const Setup& setup = advice.setup;
  std::printf(
      "%s\nUse %d worker%s and %s%d server connections%s.\n", report(setup, advice.result).c_str(),
      setup.workers, setup.workers == 1 ? "" : "s", setup.pools > 1 ? "per pool " : "",
      setup.pool_size,
      setup.pools > 1 ? fmt::format(", {} in all", setup.pools * setup.pool_size).c_str() : "");
  if (!advice.result.overloaded) {
    std::printf("Full first, at about %.1f times this load: %s.\n", std::max(advice.headroom, 1.0),
                advice.first_full.c_str());
  }
  for (const std::string& remark : advice.remarks) std::printf("%s\n", remark.c_str());
  // Clients that come and go beside the others are in until they have left.
  const double clients = setup.clients + std::ceil(setup.logins);
  std::printf(
      "\n[pgbouncer]\nworkers = %d\npool_mode = transaction\ndefault_pool_size = %d\n"
      "max_client_conn = %.0f\n",
      setup.workers, setup.pool_size, std::ceil(clients * 1.2 / 10) * 10);
  return 0;
}

}  // namespace remuda::bench::model
