// --advise: workers and pool size for a load, what to expect of them, and what gives way first.
#pragma once

#include <string>
#include <vector>

#include "model/costs.h"
#include "model/options.h"
#include "model/setup.h"

namespace remuda::bench::model {

struct Advice {
  Setup setup;             // with workers and pool size chosen
  Result result;           // what these give
  std::string first_full;  // what saturates first, in words
  double headroom = 1;     // the load may grow that many times until then
  std::vector<std::string> remarks;
};

// `max_connections`: of the server. Throws std::invalid_argument where no setting can do it.
Advice advise(const Setup& wanted, int max_connections, const Costs& costs);

// Returns the exit code.
int print_advice(const Options& options, const Setup& wanted, const Costs& costs);

}  // namespace remuda::bench::model
