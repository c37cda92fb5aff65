// Where to listen: one entry of listen_addr as socket addresses. At boot only, as names are looked
// up on the spot.
#pragma once

#include <string>
#include <vector>

#include "io/address.h"

namespace remuda::daemon {

// "*" means every address of IPv4 and IPv6. Empty, with a warning logged, for a name without any.
std::vector<io::Address> listen_addresses(const std::string& host, uint16_t port);

}  // namespace remuda::daemon
