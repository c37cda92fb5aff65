// What a cluster manager such as Patroni says of a cluster: who belongs to it, and as what. Values;
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "route/host_role.h"

namespace remuda::route {

struct ClusterMember {
  std::string name;
  std::string host;
  uint16_t port = 5432;
  HostRole role = HostRole::unknown;
  bool running = false;               // it takes connections
  std::optional<uint64_t> lag_bytes;  // behind the primary; nothing: not known
  uint32_t timeline = 0;              // 0: not known
  bool noloadbalance = false;         // gets no reads
  bool nofailover = false;            // will never be the primary
};

struct ClusterView {
  std::vector<ClusterMember> members;
  bool paused = false;  // the manager changes no roles at the moment
};

}  // namespace remuda::route
