// The measured costs, read from costs.json, where each has its meaning and how it was found.
// Microseconds unless the name says otherwise.
#pragma once

#include <string>

namespace remuda::bench::model {

struct Costs {
  double event = 0, wake = 0, change = 0, doze = 0, poll = 0, wake_delay = 0;
  double tls_event = 0, extended_query = 0;
  double login_trust = 0, login_scram = 0, login_tls = 0, handshake = 0;
  double lend = 0, adopt = 0, message = 0, dial = 0;
  double bench_event = 0, bench_wake = 0;
  double patience = 0;
  double overtaking = 4;  // between homes nobody is overtaken by more than its wait over this
  double spread = 0;      // share of an event's cost that is exponential, 0 to 1
  int servers_per_home = 1, clients_per_home = 1, threads_per_worker = 1;
};

// Throws std::runtime_error that names the file and what is wrong with it.
Costs read_costs(const std::string& path);

}  // namespace remuda::bench::model
