// Clients that wait because no host can serve them, and what they have sent meanwhile: for all
// workers together, so that there is a bound. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace remuda::proxy {

struct FailoverWaits {
  std::atomic<int> clients{0};
  std::atomic<int64_t> bytes{0};
};

}  // namespace remuda::proxy
