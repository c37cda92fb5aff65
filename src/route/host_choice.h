// Which of a database's hosts the next server is opened on. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "config/config.h"
#include "remuda/base/time.h"
#include "route/host_health.h"

namespace remuda::route {

// A host as it is at the moment.
struct HostCandidate {
  uint32_t epoch = 0;  // read before the rest: what changed since raises it
  HostState state = HostState::unknown;
  HostRole role = HostRole::unknown;
  bool is_disabled = false;
  bool is_suspect = false;  // it may be gone: others come first
  bool is_spared = false;   // as a standby it takes no reads
  int weight = 1;           // 0: only if no other can
  int connections = 0;
  Micros up_since = 0;
};

struct HostWish {
  config::TargetSession target = config::TargetSession::any;
  config::LoadBalance balance = config::LoadBalance::round_robin;
  Micros slow_start = 0;
};

// It is there, and has the role. prefer_standby takes any.
bool can_serve(const HostCandidate& host, config::TargetSession target) noexcept;

// It is there, and one would not wish for a better role.
bool is_preferred(const HostCandidate& host, config::TargetSession target) noexcept;

// Its place in the list; nothing when none can serve. `turn` counts choices (with disable: those to
// be left behind); `random` is any number.
std::optional<size_t> choose_host(std::span<const HostCandidate> hosts, const HostWish& wish,
                                  Micros now, uint64_t turn, uint64_t random);

}  // namespace remuda::route
