// What a run of the load program found, and how it is printed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "remuda/base/histogram.h"

namespace remuda::bench {

using Nanos = int64_t;  // monotonic

Nanos now();

// Of one thread; the threads' totals are added at the end.
struct Totals {
  Histogram latency;  // nanoseconds per request (a pipeline of 8 is one request)
  double latency_sum = 0;
  Nanos latency_max = 0;
  uint64_t completed = 0;  // transactions: answers checked, or logins
  uint64_t in_time = 0;    // of these, before the run's end
  uint64_t errors = 0;     // errors reported, connections lost
  uint64_t wrong = 0;      // answers that were not ours
  uint64_t bytes = 0;      // received
  uint64_t unsent = 0;     // requests that were due and found their client busy to the end
  std::string first_error;

  void record(Nanos nanos);
  void fail(const std::string& text, bool is_wrong);
  void add(const Totals& other);
};

// One line of JSON. `state` says which step this was.
void print_report(const std::string& state, const Totals& totals, size_t clients, double seconds);

}  // namespace remuda::bench
