// Numbers in environment variables, as a service manager sets them. Main thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace remuda::daemon {

// 0 for anything that is no positive number.
inline int64_t environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' && value > 0 ? value : 0;
}

}  // namespace remuda::daemon
