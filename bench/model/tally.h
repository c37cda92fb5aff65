// What a run counts. Times are microseconds, kept to 6 % in the histograms, as bench_load's are.
#pragma once

#include <cstdint>

#include "remuda/base/histogram.h"

namespace remuda::bench::model {

class Timing {
 public:
  void record(double time) noexcept {
    histogram_.record(static_cast<int64_t>(time * 1000));
    sum_ += time;
  }
  uint64_t count() const noexcept { return histogram_.count(); }
  double mean() const noexcept { return count() == 0 ? 0 : sum_ / static_cast<double>(count()); }
  double percentile(double share) const noexcept {
    return static_cast<double>(histogram_.percentile(share)) / 1000;
  }

 private:
  Histogram histogram_;  // nanoseconds
  double sum_ = 0;
};

struct Tally {
  double since = 0;
  uint64_t begun = 0, ended = 0;  // since the start of the run
  uint64_t in_progress = 0;
  double presence = 0;  // integral of in_progress over time
  double counted_until = 0;
  uint64_t waited = 0;
  Timing latency;
  Timing wait;

  void change(double now, int by) noexcept {
    presence += static_cast<double>(in_progress) * (now - counted_until);
    counted_until = now;
    in_progress += static_cast<uint64_t>(by);
  }
  void forget(double now) noexcept {
    change(now, 0);
    since = now;
    presence = 0;
    waited = 0;
    latency = Timing();
    wait = Timing();
  }
};

}  // namespace remuda::bench::model
