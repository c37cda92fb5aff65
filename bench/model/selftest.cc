// The model against closed forms: what queueing theory knows exactly, the simulation must find. All
// runs have fixed seeds, so they pass or fail for ever.
#include <array>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "model/advise.h"
#include "model/options.h"
#include "model/simulation.h"
#include "support/catch.h"

namespace {

using namespace remuda::bench::model;

// Workers that cost nothing: what is left is clients, pool and server.
Costs no_costs() {
  Costs costs;
  costs.patience = 2000;
  costs.servers_per_home = 4;
  costs.clients_per_home = 8;
  costs.threads_per_worker = 5;
  return costs;
}

Costs measured_costs() {
  return read_costs(REMUDA_MODEL_COSTS);
}

Result run(const Setup& setup, const Costs& costs) {
  return Simulation(setup, costs).run();
}

Setup open_queue(double per_second, int servers, Shape shape) {
  Setup setup;
  setup.rate = per_second;
  setup.pool_size = servers;
  setup.service = {1000, shape};
  setup.transactions = 1'000'000;
  return setup;
}

// Mean wait in M/M/c in units of the mean service time; `load`: mean number of busy servers.
double erlang_wait(int servers, double load) {
  double blocked = 1;  // Erlang's B, by recursion
  for (int i = 1; i <= servers; ++i) blocked = load * blocked / (i + load * blocked);
  const double waits = servers * blocked / (servers - load * (1 - blocked));
  return waits / (servers - load);
}

// Throughput of `clients` that think and then queue for one server: exact mean value analysis.
double closed_throughput(int clients, double think, double service) {
  double queue = 0, throughput = 0;
  for (int i = 1; i <= clients; ++i) {
    const double time = service * (1 + queue);
    throughput = i / (think + time);
    queue = throughput * time;
  }
  return throughput;
}

void check_conserved(const Result& result) {
  CHECK(result.begun == result.ended + result.left);
  CHECK(result.servers_lost == 0);
  // Little's law: the number in the system is measured apart from latency and throughput.
  CHECK(result.in_system == Approx(result.throughput * result.mean / 1e6).epsilon(0.02));
}

Options options_of(std::vector<std::string> words) {
  std::vector<char*> pointers = {nullptr};
  for (std::string& word : words) pointers.push_back(word.data());
  return Options(static_cast<int>(pointers.size()), pointers.data());
}

}  // namespace

TEST_CASE("A pool of one server waits as M/M/1") {
  for (const double use : {0.3, 0.6, 0.8}) {
    const Result result = run(open_queue(1000 * use, 1, Shape::exponential), no_costs());
    CHECK(result.wait_mean == Approx(1000 * use / (1 - use)).epsilon(0.04));
    CHECK(result.pool_use == Approx(use).epsilon(0.01));
    // The time in an M/M/1 queue is itself exponential.
    CHECK(result.p99 == Approx(std::log(100) * 1000 / (1 - use)).epsilon(0.1));
    check_conserved(result);
  }
}

TEST_CASE("Constant service halves the wait: M/D/1") {
  const Result result = run(open_queue(700, 1, Shape::constant), no_costs());
  CHECK(result.wait_mean == Approx(1000 * 0.7 / (2 * 0.3)).epsilon(0.03));
  check_conserved(result);
}

TEST_CASE("Service of wide spread waits as Pollaczek and Khinchine say") {
  Setup setup = open_queue(500, 1, Shape::lognormal);
  setup.service.spread = 1.5;
  const Result result = run(setup, no_costs());
  CHECK(result.wait_mean == Approx(1000 * 0.5 * (1 + 1.5 * 1.5) / (2 * 0.5)).epsilon(0.06));
}

TEST_CASE("A pool of several servers waits as M/M/c") {
  for (const int servers : {2, 5, 20}) {
    const double load = 0.8 * servers;
    const Result result = run(open_queue(1000 * load, servers, Shape::exponential), no_costs());
    CHECK(result.wait_mean == Approx(1000 * erlang_wait(servers, load)).epsilon(0.05));
    check_conserved(result);
  }
}

TEST_CASE("A worker with constant costs is a queue of its own") {
  // Two visits per transaction; one at a time, so that nothing waits: the costs add up.
  Costs costs = no_costs();
  costs.event = 10, costs.wake = 5, costs.wake_delay = 3;
  Setup setup;
  setup.clients = 1;
  setup.service = {100, Shape::constant};
  setup.client_rtt = 40, setup.server_rtt = 20;
  setup.transactions = 10'000;
  const Result result = run(setup, costs);
  CHECK(result.mean == Approx(2 * (10 + 5 + 3) + 100 + 40 + 20));
  CHECK(result.cpu_per_transaction == Approx(30).epsilon(0.001));
}

TEST_CASE("Clients that think before one server: exact mean value analysis") {
  for (const int clients : {1, 5, 10, 20}) {
    Setup setup;
    setup.clients = clients;
    setup.pool_size = 1;
    setup.think = 10'000;
    setup.service = {1000, Shape::exponential};
    setup.transactions = 500'000;
    const Result result = run(setup, no_costs());
    CHECK(result.throughput ==
          Approx(1e6 * closed_throughput(clients, 10'000, 1000)).epsilon(0.01));
    check_conserved(result);
  }
}

TEST_CASE("No closed loop passes its asymptotic bounds, and each comes near to them") {
  const Costs costs = measured_costs();
  const double cpu = 2 * costs.event;
  for (const int workers : {1, 4}) {
    for (const int clients : {1, 4, 16, 64, 256, 1000}) {
      Setup setup;
      setup.workers = workers, setup.clients = clients, setup.pool_size = 40;
      setup.think = 1000;
      setup.service = {200, Shape::exponential};
      setup.transactions = 100'000;
      const Result result = run(setup, costs);
      const double free_run = clients * 1e6 / (setup.think + 200 + cpu);
      const double most = std::min({free_run, 40 * 1e6 / 200, workers * 1e6 / cpu});
      CHECK(result.throughput <= most * 1.01);
      // Where one of the bounds is far below the others it is nearly reached.
      if (clients == 1000 && workers == 1) CHECK(result.throughput > 0.9 * most);
      if (clients == 1) CHECK(result.throughput > 0.9 * most);
      check_conserved(result);
    }
  }
}

TEST_CASE("The server's cores bound the throughput and are shared fairly") {
  Setup setup;
  setup.clients = 64, setup.pool_size = 32, setup.workers = 2;
  setup.server_cores = 4;
  setup.service = {1000, Shape::exponential};
  setup.transactions = 50'000;
  const Result result = run(setup, measured_costs());
  CHECK(result.throughput == Approx(4000).epsilon(0.03));
  CHECK(result.bottleneck == Bottleneck::server);
  setup.server_cores = 0, setup.server_shares_cores = true, setup.cores = 4;
  const Result shared = run(setup, measured_costs());
  CHECK(shared.throughput < 4000);
  CHECK(shared.throughput > 3500);
  CHECK(shared.bottleneck == Bottleneck::cores);
  check_conserved(shared);
}

TEST_CASE("Wake-ups are shared among what is ready at once") {
  Setup setup;
  setup.pool_size = 100;
  setup.service = {0, Shape::constant};
  setup.transactions = 50'000;
  const Costs costs = measured_costs();
  double before = 1e9;
  for (const int clients : {1, 4, 64}) {
    setup.clients = clients;
    const double cost = run(setup, costs).cpu_per_transaction;
    CHECK(cost < before);
    before = cost;
  }
  CHECK(before < 1.1 * 2 * costs.event);
}

TEST_CASE("Lending feeds every home and loses no server") {
  Setup setup;
  setup.cores = 8, setup.workers = 8, setup.clients = 400, setup.pool_size = 32;
  setup.service = {1000, Shape::lognormal};
  setup.transactions = 100'000;
  const Result result = run(setup, measured_costs());
  check_conserved(result);
  CHECK(result.lent_per_s > 0);
  CHECK(result.throughput > 0.9 * 32 * 1e6 / 1000 * 0.95);
  for (const double use : result.worker_use) CHECK(use > 0.5 * result.busiest_worker);
}

TEST_CASE("A small pool lives on one worker") {
  Setup setup;
  setup.workers = 4, setup.pool_size = 7, setup.clients = 100;
  setup.service = {1000, Shape::exponential};
  setup.transactions = 20'000;
  const Result result = run(setup, measured_costs());
  int busy = 0;
  for (const double use : result.worker_use) busy += use > 0 ? 1 : 0;
  CHECK(busy == 1);
  CHECK(result.lent_per_s == 0);
}

TEST_CASE("Logins come at their rate and slow the others down") {
  Setup setup;
  setup.clients = 16, setup.rate = 5000, setup.cores = 2;
  setup.service = {200, Shape::exponential};
  setup.transactions = 200'000;
  const Result calm = run(setup, measured_costs());
  setup.logins = 1000, setup.login = Login::tls;
  const Result stormy = run(setup, measured_costs());
  CHECK(stormy.logins_per_s == Approx(1000).epsilon(0.02));
  CHECK(stormy.cpu_per_transaction > calm.cpu_per_transaction);
  CHECK(stormy.mean > calm.mean);
  CHECK(stormy.login_mean > measured_costs().handshake);
}

TEST_CASE("The same seed is the same run, another one is not") {
  Setup setup = open_queue(3000, 4, Shape::exponential);
  setup.transactions = 10'000;
  const Result one = run(setup, measured_costs());
  CHECK(one.mean == run(setup, measured_costs()).mean);
  setup.seed = 2;
  CHECK(one.mean != run(setup, measured_costs()).mean);
}

TEST_CASE("Too much from outside is called overload") {
  Setup setup = open_queue(2000, 1, Shape::exponential);
  setup.transactions = 20'000;
  const Result result = run(setup, measured_costs());
  CHECK(result.overloaded);
  CHECK(result.throughput < 1001);
}

TEST_CASE("Advice carries the load it was asked for") {
  Setup wanted;
  wanted.cores = 16, wanted.clients = 2000, wanted.rate = 100'000;
  wanted.service = {400, Shape::exponential};
  wanted.client_rtt = wanted.server_rtt = 100;
  wanted.transactions = 50'000;
  const Advice advice = advise(wanted, 200, measured_costs());
  CHECK_FALSE(advice.result.overloaded);
  CHECK(advice.result.throughput == Approx(100'000).epsilon(0.03));
  CHECK(advice.setup.workers >= 2);
  CHECK(advice.setup.workers <= 16);
  CHECK(advice.setup.pool_size > 50);
  CHECK(advice.setup.pool_size <= 180);
  CHECK(advice.headroom > 1);
  CHECK_THROWS_AS(advise(wanted, 50, measured_costs()), std::invalid_argument);
  wanted.cores = 1;
  CHECK_THROWS_AS(advise(wanted, 200, measured_costs()), std::invalid_argument);
}

TEST_CASE("Input without sense is refused") {
  const auto refused = [](const std::vector<std::string>& words) {
    CHECK_THROWS_AS(setup_of(options_of(words)), std::invalid_argument);
  };
  refused({"--cores", "0"});
  refused({"--cores", "2.5"});
  refused({"--cores", "many"});
  refused({"--workers", "65"});
  refused({"--tps", "-1"});
  refused({"--tps", "nan"});
  refused({"--tls-share", "101"});
  refused({"--tps", "10", "--think-ms", "5"});
  refused({"--shape", "round"});
  refused({"--login", "tls"});
  refused({"--nonsense"});
  refused({"--cores"});
  CHECK(setup_of(options_of({"--server-ms", "2", "--queries", "4"})).service.mean == 500);
  CHECK(options_of({"--workers", "1,2,8"}).counts("workers", {}, 1, 64) ==
        std::vector<int>{1, 2, 8});
}
