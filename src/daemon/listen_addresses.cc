#include "daemon/listen_addresses.h"

#include <netdb.h>

#include <memory>

#include "remuda/base/log.h"

namespace remuda::daemon {

std::vector<io::Address> listen_addresses(const std::string& host, uint16_t port) {
  if (host == "*") {
    return {*io::Address::numeric("0.0.0.0", port), *io::Address::numeric("::", port)};
  }
  if (const auto numeric = io::Address::numeric(host, port)) return {*numeric};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    log::warning("cannot listen on {}: {}", host, ::gai_strerror(error));
    return {};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  std::vector<io::Address> addresses;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    io::Address address(at->ai_addr, at->ai_addrlen);
    address.set_port(port);
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace remuda::daemon
