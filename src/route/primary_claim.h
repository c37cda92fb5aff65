// Which of several hosts with the same data that take themselves for the primary is the one to
// follow. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "remuda/base/time.h"

namespace remuda::route {

struct PrimaryClaim {
  std::string_view name = {};  // orders what nothing else does
  uint32_t timeline = 0;       // the last one it wrote as a primary; 0: it never was one
  bool is_serving = false;     // it is up, and in use as the primary
  Micros since = 0;            // that it is
  bool is_named = false;       // its cluster's manager says that it is the primary
  bool is_never_one = false;   // ... or that it shall never become one
  bool shares_writes = false;  // some database wants the primary of both
};

// The other one is the primary to follow. Promotion begins a timeline, so the higher one is the
// later. Of two with the same, as when a standby was not promoted but made a server of its own, the
// one that the manager names is followed, else the one that was in use first.
bool outranks(const PrimaryClaim& other, const PrimaryClaim& claim) noexcept;

}  // namespace remuda::route
