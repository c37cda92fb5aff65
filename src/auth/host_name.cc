#include "auth/host_name.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

namespace remuda::auth {
namespace {

// Ports and scopes differ between the two look-ups.
bool is_same_host(const sockaddr& one, const sockaddr& other) {
  if (one.sa_family != other.sa_family) return false;
  if (one.sa_family == AF_INET) {
    const auto& left = reinterpret_cast<const sockaddr_in&>(one);
    const auto& right = reinterpret_cast<const sockaddr_in&>(other);
    return left.sin_addr.s_addr == right.sin_addr.s_addr;
  }
  const auto& left = reinterpret_cast<const sockaddr_in6&>(one);
  const auto& right = reinterpret_cast<const sockaddr_in6&>(other);
  return std::memcmp(&left.sin6_addr, &right.sin6_addr, sizeof left.sin6_addr) == 0;
}

bool resolves_to(const std::string& name, const io::Address& address) {
  addrinfo hints{};
  hints.ai_family = address.family();
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (is_same_host(*entry->ai_addr, *address.raw())) return true;
  }
  return false;
}

}  // namespace

std::string find_confirmed_host_name(const io::Address& address) {
  if (!address.is_inet()) return {};
  char buffer[NI_MAXHOST] = "";
  if (getnameinfo(address.raw(), address.length(), buffer, sizeof buffer, nullptr, 0,
                  NI_NAMEREQD) != 0) {
    return {};
  }
  std::string name = buffer;
  // A name that is written like an address would confirm itself without any look-up.
  if (io::Address::numeric(name, 0) || !resolves_to(name, address)) return {};
  return name;
}

io::Task<std::string> confirmed_host_name(io::Loop& loop, io::Address address,
                                          io::OffloadLimit* limit) {
  const auto work = [&address] { return find_confirmed_host_name(address); };
  auto name = co_await io::offload(loop, work, limit);
  co_return name;
}

}  // namespace remuda::auth
