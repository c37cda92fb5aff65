#include "io/local_networks.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cerrno>
#include <memory>

#include "remuda/base/error.h"

namespace remuda::io {
namespace {

socklen_t length_of(const sockaddr& address) {
  return address.sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

}  // namespace

std::vector<LocalNetwork> local_networks() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) throw SystemError(errno, "network interfaces");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(first, freeifaddrs);
  std::vector<LocalNetwork> found;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const sockaddr* address = entry->ifa_addr;
    const sockaddr* mask = entry->ifa_netmask;
    if (address == nullptr || mask == nullptr) continue;
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) continue;
    found.push_back({Address(address, length_of(*address)), Address(mask, length_of(*address))});
  }
  return found;
}

}  // namespace remuda::io
