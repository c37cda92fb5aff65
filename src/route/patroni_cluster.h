// Reads what Patroni answers to GET /cluster, of every version that has it (1.6.1 to 4.1). Pure;
// any thread. Patroni's documentation, "Patroni REST API"; its patroni/utils.py, cluster_as_json().
#pragma once

#include <cstddef>
#include <string_view>

#include "route/cluster_member.h"

namespace remuda::route {

// What is beyond one of these is refused. A member takes some 300 bytes.
constexpr size_t kMaxPatroniAnswer = 1024 * 1024;
constexpr size_t kMaxClusterMembers = 256;

// The roles are what Patroni has decided, not what PostgreSQL has become yet: `primary` holds the
// leader key, even while it is still being promoted. `running` is what the member last reported:
// one that died is running, and primary, until its entry expires (Patroni's ttl, 30 s as a rule).
// The leader of a standby cluster is a standby. The lag is of what is replayed where Patroni tells
// that (4.1), else of what is received. Members that have no address yet are left out. Throws
// PgError with what is wrong and where; no text of the answer that could harm a log is repeated.
ClusterView parse_patroni_cluster(std::string_view text);

}  // namespace remuda::route
