// What a host of a cluster is at the moment. Pure; any thread.
#pragma once

#include <cstdint>

namespace remuda::route {

enum class HostRole : uint8_t { unknown, primary, standby };

// As SHOW HOSTS and the log print it.
constexpr const char* to_text(HostRole role) noexcept {
  switch (role) {
    case HostRole::primary:
      return "primary";
    case HostRole::standby:
      return "standby";
    case HostRole::unknown:
      break;
  }
  return "unknown";
}

}  // namespace remuda::route
