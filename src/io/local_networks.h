// The networks this machine's interfaces are in, for `samehost` and `samenet`. Asked of the kernel
// at each call, since interfaces come and go; that does not block. Plain values; any thread.
#pragma once

#include <vector>

#include "io/address.h"

namespace remuda::io {

// One address of an interface, IPv4 or IPv6, and its network mask.
struct LocalNetwork {
  Address address;
  Address mask;
};

// Throws SystemError.
std::vector<LocalNetwork> local_networks();

}  // namespace remuda::io
