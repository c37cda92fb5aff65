// What visitors and operator of a soak share. Made by the test, outlives their threads; every
// member may be used by any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "soak/disturbances.h"
#include "soak/transfers.h"
#include "support/remuda_process.h"

namespace remuda::soak {

struct Counts {
  std::atomic<long> connections{0};
  std::atomic<long> answers{0};
  std::atomic<long> transactions{0};
  std::atomic<long> cancelled{0};
  std::atomic<long> vanished{0};
  // Errors that a disturbance explains.
  std::atomic<long> disturbed{0};
};

class Failures {
 public:
  void add(const std::string& text);
  std::vector<std::string> texts() const;
  bool none() const { return count_ == 0; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
  std::atomic<int> count_{0};
};

struct World {
  const test::Remuda& remuda;
  Disturbances disturbances = {};
  Transfers transfers = {};
  Counts counts = {};
  Failures failures = {};
  // Everyone is to go home.
  std::atomic<bool> is_over{false};
  // Each question asks for another number.
  std::atomic<long> unique{0};
};

}  // namespace remuda::soak
