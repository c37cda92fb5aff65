#include "io/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "remuda/base/error.h"
#include "remuda/base/text.h"

namespace remuda::io {
namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// IPv6 text of the kernel's form plus the interface of a link-local address.
std::string inet6_text(const sockaddr_in6& in6) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
  std::string out = text;
  char name[UV_IF_NAMESIZE];
  size_t size = sizeof name;
  if (in6.sin6_scope_id != 0 && uv_if_indextoname(in6.sin6_scope_id, name, &size) == 0) {
    out.append("%").append(name, size);
  }
  return out;
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t length) noexcept
    : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

std::optional<Address> Address::numeric(std::string_view host, uint16_t port) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == host.npos) return std::nullopt;
  }
  const std::string text(host);
  if (text.size() != std::strlen(text.c_str())) return std::nullopt;  // an embedded zero
  sockaddr_in in{};
  if (uv_ip4_addr(text.c_str(), port, &in) == 0) {
    return Address(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  sockaddr_in6 in6{};
  if (uv_ip6_addr(text.c_str(), port, &in6) == 0) {
    return Address(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
  }
  return std::nullopt;
}

Address Address::unix_path(std::string_view path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty()) throw SystemError(EINVAL, "unix socket path");
  if (path.size() >= sizeof un.sun_path) {
    throw SystemError(ENAMETOOLONG, "unix socket path " + std::string(path));
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  // An abstract name starts with a zero byte and has no end mark; a path has one.
  const bool is_abstract = path.front() == '@';
  if (is_abstract) un.sun_path[0] = '\0';
  const size_t length = kPathOffset + path.size() + (is_abstract ? 0 : 1);
  return Address(reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(length));
}

Address Address::unix_socket(std::string_view directory, int port) {
  return unix_path(fmt::format("{}/.s.PGSQL.{}", directory, port));
}

std::optional<Address> Address::parse(std::string_view text) {
  const bool has_prefix = text.starts_with("unix:");
  if (has_prefix) text.remove_prefix(5);
  if (has_prefix || is_unix_host(text)) {
    if (text.empty() || text.size() >= sizeof sockaddr_un::sun_path) return std::nullopt;
    return unix_path(text);
  }
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto port = parse_number<uint16_t>(text.substr(colon + 1));
  const std::string_view host = text.substr(0, colon);
  // A bare "::1" is no host and port.
  if (!port || (host.find(':') != host.npos && !host.starts_with('['))) return std::nullopt;
  return numeric(host, *port);
}

uint16_t Address::port() const noexcept {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  }
  return 0;
}

void Address::set_port(uint16_t port) noexcept {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
}

std::string Address::host() const {
  if (family() == AF_INET) {
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
              sizeof text);
    return text;
  }
  if (family() == AF_INET6) return inet6_text(reinterpret_cast<const sockaddr_in6&>(storage_));
  return is_unix() ? "unix" : "";
}

std::string Address::path() const {
  if (!is_unix() || length_ <= kPathOffset) return {};
  const char* path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
  const size_t size = std::min<size_t>(length_ - kPathOffset, sizeof sockaddr_un::sun_path);
  if (path[0] != '\0') return std::string(path, strnlen(path, size));
  return "@" + std::string(path + 1, size - 1);
}

std::string Address::text() const {
  if (is_unix()) return "unix:" + path();
  const std::string port = ":" + std::to_string(this->port());
  if (family() == AF_INET6) return "[" + host() + "]" + port;
  return host() + port;
}

bool Address::operator==(const Address& other) const noexcept {
  return length_ == other.length_ && std::memcmp(&storage_, &other.storage_, length_) == 0;
}

bool is_unix_host(std::string_view host) noexcept {
  return host.starts_with('/') || host.starts_with('@');
}

PeerAddress peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    throw SystemError(errno, "getpeername()");
  }
  PeerAddress peer;
  peer.address = Address(reinterpret_cast<const sockaddr*>(&storage), length);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (peer.address.is_unix() &&
      ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer.has_credentials = true;
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    peer.pid = credentials.pid;
  }
  return peer;
}

Address local_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    throw SystemError(errno, "getsockname()");
  }
  return Address(reinterpret_cast<const sockaddr*>(&storage), length);
}

}  // namespace remuda::io
