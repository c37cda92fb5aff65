// One run of the model: clients, workers, pools and servers, event by event. The same setup gives
// the same result on every machine. Not to be shared between threads; several may run at once.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "model/agenda.h"
#include "model/costs.h"
#include "model/cpu.h"
#include "model/job_pool.h"
#include "model/login_flow.h"
#include "model/pool.h"
#include "model/setup.h"
#include "model/tally.h"

namespace remuda::bench::model {

class Simulation final : Actor, Worksite, PoolPort, JobOwner, LoginPort {
 public:
  // `setup` is taken as sensible (options.h checks it).
  Simulation(const Setup& setup, const Costs& costs);
  Result run();

 private:
  struct Transaction {
    double begun = 0;
    uint32_t pool = 0;
    uint32_t home = 0;
    int queries_left = 0;
    bool has_server = false;
    bool tls = false;
  };
  struct Seat {  // of a client
    uint32_t pool;
    uint32_t home;
    bool tls;
  };

  void make_threads();
  void place_clients();
  void start();
  void run_until_ended(uint64_t transactions);
  void forget();
  Result result();
  void judge(Result& result) const;

  void on_time(uint32_t what, uint32_t which) override;
  void on_done(CpuThread& thread, const Work& work) override;
  void on_job_done(uint32_t job) override;

  double now() const override { return agenda_.now(); }
  void granted(uint32_t transaction, double waited) override;
  void dial(Pool& pool, uint32_t home) override;
  void feed(Pool& pool, uint32_t home) override;
  void hand_over(Pool& pool, uint32_t from, uint32_t to) override;
  void wake_later(Pool& pool, uint32_t home, double delay) override;
  void login_step(uint32_t worker, uint32_t login, double cost) override;
  void login_handshake(uint32_t login, double cost) override;

  void later(double delay, uint32_t what, uint32_t which);
  void think(uint32_t transaction);
  void arrive();
  uint32_t new_transaction();
  void begin(uint32_t transaction);
  void ask(uint32_t transaction);
  void query_at_worker(uint32_t transaction);
  void at_server(uint32_t transaction);
  void reply_at_worker(uint32_t transaction);
  void reply_relayed(uint32_t transaction);
  void at_client(uint32_t transaction);
  void end(uint32_t transaction);
  void tell(Pool& pool, uint32_t home, uint32_t kind, double cost);
  CpuThread& worker_of(const Transaction& transaction);
  double scattered(double cost);
  double cost_of_query(const Transaction& transaction) const;
  double cost_of_reply(const Transaction& transaction) const;

  const Setup setup_;
  const Costs costs_;
  Random random_;
  Agenda agenda_;
  Cores cores_;
  Cores load_cores_;
  Cores server_cores_;
  std::vector<std::unique_ptr<CpuThread>> workers_;
  std::unique_ptr<CpuThread> load_;         // in bench/run only
  std::unique_ptr<CpuThread> null_server_;  // in bench/run only
  std::unique_ptr<JobPool> server_;         // where the server's cores are limited
  std::unique_ptr<JobPool> handshakes_;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::vector<Seat> seats_;
  std::vector<Transaction> transactions_;
  std::vector<uint32_t> free_transactions_;
  LoginFlow logins_;
  Tally tally_;
};

}  // namespace remuda::bench::model
