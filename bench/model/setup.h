// What is simulated, and what came out. Microseconds unless the name says otherwise.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/random.h"

namespace remuda::bench::model {

enum class Login { trust, scram, tls };

// How bench/run places its programs: server and load are threads like the pooler's.
struct BenchPlace {
  bool used = false;
  int load_cores = 1;
  int server_cores = 0;  // 0: those of the load
};

struct Setup {
  int cores = 8;  // of the pooler's machine
  int workers = 1;
  int pools = 1;
  int pool_size = 20;
  int clients = 64;  // of all pools together
  double think = 0;  // mean, exponential
  double rate = 0;   // transactions per second from outside; 0: a client asks again after thinking
  int queries = 1;   // per transaction, one after the other
  Distribution service;  // of a query at the server
  int server_cores = 0;  // 0: the server has what it needs
  bool server_shares_cores = false;
  double client_rtt = 0;  // network, there and back
  double server_rtt = 0;
  double tls_share = 0;  // of the clients, 0 to 1
  bool extended = false;
  double logins = 0;  // per second
  Login login = Login::scram;
  BenchPlace bench;
  uint64_t transactions = 200'000;  // to be measured, after as many as the start takes
  uint64_t seed = 1;
};

enum class Bottleneck { clients, pool, worker, cores, server };
std::string_view name_of(Bottleneck bottleneck);

struct Result {
  double seconds = 0;                           // simulated and measured
  double throughput = 0;                        // transactions per second
  double mean = 0, p50 = 0, p99 = 0, p999 = 0;  // latency as the client sees it
  double wait_mean = 0, wait_p99 = 0;           // in the pool's queue
  double wait_share = 0;                        // of the transactions that waited at all
  std::vector<double> worker_use;               // 0 to 1, each
  double busiest_worker = 0;
  double cpu_per_transaction = 0;  // workers and their handshake threads
  double cores_use = 0;            // of the pooler's machine, 0 to 1
  double pool_use = 0;             // servers in use / pool_size, mean over the pools
  double server_use = 0;           // of the server's cores; 0 if it has what it needs
  double load_use = 0;             // of the load program's cores in bench/run
  double logins_per_s = 0, login_mean = 0, login_p99 = 0;
  double lent_per_s = 0;
  double in_system = 0;                     // transactions begun and not ended, mean over time
  uint64_t begun = 0, ended = 0, left = 0;  // since the start; left: in progress at the end
  uint64_t servers_lost = 0;                // opened and yet nowhere: 0, or the model is wrong
  bool overloaded = false;  // more comes from outside than gets through: latency has no meaning
  uint64_t steps = 0;
  Bottleneck bottleneck = Bottleneck::clients;
};

}  // namespace remuda::bench::model
