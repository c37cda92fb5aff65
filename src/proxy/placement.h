// Which worker serves a pool: a pool has one home, picked by a hash of its name, so that its servers
// and clients never cross threads.
#pragma once

#include <string>

#include "proxy/shared.h"

namespace remuda::proxy {

Worker& home_of(const Shared& shared, const std::string& database, const std::string& user);

// The worker with the fewest logins in progress, for a new connection.
Worker& least_busy(const Shared& shared);

}  // namespace remuda::proxy
