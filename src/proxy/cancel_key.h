// The key we give a client to cancel with. The first half names worker and client, the second is random.
#pragma once

#include <cstdint>

namespace remuda::proxy {

struct CancelKey {
  // The number that stands for the console, in place of a worker's.
  static constexpr uint32_t kConsole = 0x7f;
  // The low bits of pid number the client, those above the worker.
  static constexpr int kIndexBits = 24;

  uint32_t pid = 0;
  uint32_t secret = 0;
  bool operator==(const CancelKey&) const = default;
};

}  // namespace remuda::proxy
