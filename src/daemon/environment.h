// Numbers in environment variables, as a service manager sets them. Main thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "remuda/base/text.h"

namespace remuda::daemon {

// 0 for anything that is no positive number.
inline int64_t environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  return std::max<int64_t>(parse_number<int64_t>(text).value_or(0), 0);
}

}  // namespace remuda::daemon
