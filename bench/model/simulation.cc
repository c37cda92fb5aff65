#include "model/simulation.h"

#include <algorithm>
#include <stdexcept>

namespace remuda::bench::model {
namespace {

// What the simulation asks the agenda for.
enum : uint32_t { kThought, kArrival, kAtWorker, kAtServer, kServed, kAtClient, kPatience };
// What it gives to threads.
enum : uint32_t { kQuery, kReply, kFeed, kParcel, kDialled, kLogin, kNullQuery, kLoad };

// A job of the handshake threads, told apart from the server's.
constexpr uint32_t kHandshake = 1u << 31;

uint32_t pack(uint32_t pool, uint32_t home) {
  return pool << 8 | home;
}

}  // namespace

Simulation::Simulation(const Setup& setup, const Costs& costs)
    : setup_(setup),
      costs_(costs),
      random_(setup.seed),
      cores_(setup.cores),
      load_cores_(setup.bench.load_cores),
      server_cores_(std::max(setup.bench.used ? setup.bench.server_cores : setup.server_cores, 1)),
      logins_(agenda_, *this, setup_, costs_) {
  make_threads();
  const auto workers = static_cast<uint32_t>(setup.workers);
  PoolPort& port = *this;
  for (uint32_t i = 0; i < static_cast<uint32_t>(setup.pools); ++i) {
    const uint32_t first = setup.pools == 1 ? 0 : random_.below(workers);
    pools_.push_back(std::make_unique<Pool>(i, port, costs_, setup.pool_size, workers, first));
  }
  place_clients();
}

void Simulation::make_threads() {
  Worksite& site = *this;
  JobOwner& owner = *this;
  const ThreadCosts costs{costs_.wake, costs_.change, costs_.doze, costs_.poll, costs_.wake_delay};
  for (int i = 0; i < setup_.workers; ++i) {
    workers_.push_back(std::make_unique<CpuThread>(agenda_, cores_, site, costs));
  }
  if (setup_.login == Login::tls && setup_.logins > 0) {
    handshakes_ = std::make_unique<JobPool>(agenda_, cores_, owner,
                                            setup_.workers * costs_.threads_per_worker);
  }
  const BenchPlace& bench = setup_.bench;
  if (bench.used) {
    const ThreadCosts peer{costs_.bench_wake, costs_.change, costs_.doze, costs_.poll,
                           costs_.wake_delay};
    Cores& at_server = bench.server_cores > 0 ? server_cores_ : load_cores_;
    load_ = std::make_unique<CpuThread>(agenda_, load_cores_, site, peer);
    null_server_ = std::make_unique<CpuThread>(agenda_, at_server, site, peer);
  } else if (setup_.server_cores > 0 || setup_.server_shares_cores) {
    Cores& cores = setup_.server_shares_cores ? cores_ : server_cores_;
    server_ = std::make_unique<JobPool>(agenda_, cores, owner, setup_.pools * setup_.pool_size);
  }
}

void Simulation::place_clients() {
  const auto with_tls = static_cast<int>(setup_.tls_share * setup_.clients + 0.5);
  for (int i = 0; i < setup_.clients; ++i) {
    const auto pool = static_cast<uint32_t>(i % setup_.pools);
    // Spread evenly, so that every home has its share of them.
    const bool tls = (i + 1LL) * with_tls / setup_.clients > 1LL * i * with_tls / setup_.clients;
    seats_.push_back({pool, pools_[pool]->place_client(), tls});
  }
}

Result Simulation::run() {
  start();
  const auto clients = static_cast<uint64_t>(setup_.clients);
  run_until_ended(std::max(setup_.transactions / 10, 2 * clients));
  forget();
  run_until_ended(setup_.transactions);
  return result();
}

void Simulation::start() {
  logins_.start();
  if (setup_.rate > 0)
    return agenda_.after(random_.exponential(1e6 / setup_.rate), *this, kArrival);
  transactions_.resize(seats_.size());
  for (uint32_t i = 0; i < seats_.size(); ++i) think(i);
}

void Simulation::run_until_ended(uint64_t transactions) {
  // When more comes than gets through, a transaction costs ever more steps.
  const uint64_t goal = tally_.ended + transactions;
  while (tally_.ended < goal) {
    if (!agenda_.step()) throw std::logic_error("the model has come to a standstill");
  }
}

void Simulation::forget() {
  tally_.forget(now());
  logins_.forget();
  for (const auto& worker : workers_) worker->forget();
  for (const auto& pool : pools_) pool->forget();
  if (load_) load_->forget(), null_server_->forget();
  if (server_) server_->forget();
  if (handshakes_) handshakes_->forget();
}

void Simulation::on_time(uint32_t what, uint32_t which) {
  switch (what) {
    case kThought:
      return begin(which);
    case kArrival:
      return arrive();
    case kAtWorker:
      return query_at_worker(which);
    case kAtServer:
      return at_server(which);
    case kServed:
      return reply_at_worker(which);
    case kAtClient:
      return at_client(which);
    default:
      return pools_[which >> 8]->lost_patience(which & 0xff);
  }
}

void Simulation::on_done(CpuThread&, const Work& work) {
  const uint32_t which = work.which;
  switch (work.kind) {
    case kQuery:
      if (transactions_[which].has_server) return later(setup_.server_rtt / 2, kAtServer, which);
      return pools_[transactions_[which].pool]->acquire(transactions_[which].home, which);
    case kReply:
      return reply_relayed(which);
    case kFeed:
      return pools_[which >> 8]->fed(which & 0xff);
    case kParcel:
      return pools_[which >> 8]->received(which & 0xff);
    case kDialled:
      return pools_[which >> 8]->dialled(which & 0xff);
    case kLogin:
      return logins_.stepped(which);
    case kNullQuery:
      return reply_at_worker(which);
    default:
      return end(which);
  }
}

void Simulation::on_job_done(uint32_t job) {
  if ((job & kHandshake) != 0) return logins_.stepped(job & ~kHandshake);
  later(setup_.server_rtt / 2, kServed, job);
}

// A step of its own only where time passes.
void Simulation::later(double delay, uint32_t what, uint32_t which) {
  if (delay > 0) return agenda_.after(delay, *this, what, which);
  on_time(what, which);
}

void Simulation::think(uint32_t transaction) {
  agenda_.after(random_.exponential(setup_.think), *this, kThought, transaction);
}

void Simulation::arrive() {
  begin(new_transaction());
  agenda_.after(random_.exponential(1e6 / setup_.rate), *this, kArrival);
}

uint32_t Simulation::new_transaction() {
  if (free_transactions_.empty()) {
    free_transactions_.push_back(static_cast<uint32_t>(transactions_.size()));
    transactions_.emplace_back();
  }
  const uint32_t transaction = free_transactions_.back();
  free_transactions_.pop_back();
  return transaction;
}

void Simulation::begin(uint32_t number) {
  const auto clients = static_cast<uint32_t>(seats_.size());
  const Seat& seat = seats_[setup_.rate > 0 ? random_.below(clients) : number];
  transactions_[number] = {now(), seat.pool, seat.home, setup_.queries, false, seat.tls};
  ++tally_.begun;
  tally_.change(now(), 1);
  ask(number);
}

void Simulation::ask(uint32_t transaction) {
  later(setup_.client_rtt / 2, kAtWorker, transaction);
}

void Simulation::query_at_worker(uint32_t number) {
  const Transaction& transaction = transactions_[number];
  worker_of(transaction).post({kQuery, number, scattered(cost_of_query(transaction))});
}

void Simulation::granted(uint32_t transaction, double waited) {
  transactions_[transaction].has_server = true;
  tally_.wait.record(waited);
  if (waited > 0) ++tally_.waited;
  later(setup_.server_rtt / 2, kAtServer, transaction);
}

void Simulation::at_server(uint32_t transaction) {
  if (null_server_)
    return null_server_->post({kNullQuery, transaction, scattered(costs_.bench_event)});
  const double time = setup_.service.draw(random_);
  if (server_) return server_->submit(transaction, time);
  agenda_.after(time + setup_.server_rtt / 2, *this, kServed, transaction);
}

void Simulation::reply_at_worker(uint32_t number) {
  const Transaction& transaction = transactions_[number];
  worker_of(transaction).post({kReply, number, scattered(cost_of_reply(transaction))});
}

void Simulation::reply_relayed(uint32_t number) {
  Transaction& transaction = transactions_[number];
  if (--transaction.queries_left == 0) {
    transaction.has_server = false;
    pools_[transaction.pool]->release(transaction.home);
  }
  later(setup_.client_rtt / 2, kAtClient, number);
}

void Simulation::at_client(uint32_t transaction) {
  if (load_) return load_->post({kLoad, transaction, scattered(costs_.bench_event)});
  if (transactions_[transaction].queries_left > 0) return ask(transaction);
  end(transaction);
}

void Simulation::end(uint32_t number) {
  if (transactions_[number].queries_left > 0) return ask(number);
  tally_.latency.record(now() - transactions_[number].begun);
  ++tally_.ended;
  tally_.change(now(), -1);
  if (setup_.rate > 0) {
    free_transactions_.push_back(number);
  } else if (setup_.think > 0) {
    think(number);
  } else {
    begin(number);
  }
}

CpuThread& Simulation::worker_of(const Transaction& transaction) {
  return *workers_[pools_[transaction.pool]->worker_of(transaction.home)];
}

double Simulation::scattered(double cost) {
  if (costs_.spread <= 0) return cost;
  return cost * (1 - costs_.spread) + random_.exponential(cost * costs_.spread);
}

double Simulation::cost_of_query(const Transaction& transaction) const {
  return costs_.event + (transaction.tls ? costs_.tls_event : 0) +
         (setup_.extended ? costs_.extended_query : 0);
}

double Simulation::cost_of_reply(const Transaction& transaction) const {
  return costs_.event + (transaction.tls ? costs_.tls_event : 0);
}

// What pools and logins want of threads.

void Simulation::tell(Pool& pool, uint32_t home, uint32_t kind, double cost) {
  workers_[pool.worker_of(home)]->post({kind, pack(pool.number(), home), cost});
}

void Simulation::dial(Pool& pool, uint32_t home) {
  tell(pool, home, kDialled, costs_.dial);
}

void Simulation::feed(Pool& pool, uint32_t home) {
  tell(pool, home, kFeed, costs_.message);
}

void Simulation::hand_over(Pool& pool, uint32_t from, uint32_t to) {
  workers_[pool.worker_of(from)]->charge(costs_.lend);
  tell(pool, to, kParcel, costs_.adopt);
}

void Simulation::wake_later(Pool& pool, uint32_t home, double delay) {
  agenda_.after(delay, *this, kPatience, pack(pool.number(), home));
}

void Simulation::login_step(uint32_t worker, uint32_t login, double cost) {
  workers_[worker]->post({kLogin, login, cost});
}

void Simulation::login_handshake(uint32_t login, double cost) {
  handshakes_->submit(login | kHandshake, cost);
}

}  // namespace remuda::bench::model
