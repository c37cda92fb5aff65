// A socket address: IPv4, IPv6 or unix-domain (a path, or an abstract name written with '@').
// A plain value.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace remuda::io {

class Address {
 public:
  // Family AF_UNSPEC.
  Address() noexcept = default;
  // Longer addresses than sockaddr_storage are cut.
  Address(const sockaddr* address, socklen_t length) noexcept;

  // "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"; nothing for anything else, names included.
  static std::optional<Address> numeric(std::string_view host, uint16_t port);
  // A path, or '@' and an abstract name. Throws SystemError if it is too long or empty.
  static Address unix_path(std::string_view path);
  // Where a PostgreSQL server, or we, would listen on `port` in a directory, or under an abstract
  // name. Throws as unix_path() does.
  static Address unix_socket(std::string_view directory, int port);
  // "host:port", "[v6]:port", "/path", "unix:/path", "@name", "unix:@name"; numeric only.
  static std::optional<Address> parse(std::string_view text);

  int family() const noexcept { return storage_.ss_family; }
  bool is_unix() const noexcept { return family() == AF_UNIX; }
  bool is_inet() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  // 0 for unix-domain addresses.
  uint16_t port() const noexcept;
  void set_port(uint16_t port) noexcept;
  // As PgBouncer's console prints it: "127.0.0.1", "::1", "unix".
  std::string host() const;
  // The path, or '@' and the abstract name; empty if unnamed or not unix-domain.
  std::string path() const;
  // What parse() reads back: "127.0.0.1:5432", "[::1]:5432", "unix:/path", "unix:@name".
  std::string text() const;

  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const noexcept { return length_; }
  bool operator==(const Address& other) const noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// Whether a host in a configuration is a unix-domain one: a directory, or '@' and the beginning of
// an abstract name.
bool is_unix_host(std::string_view host) noexcept;

// The other end of a connected socket. A unix-domain peer is known by process and user.
struct PeerAddress {
  Address address;
  bool has_credentials = false;
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

// Both throw SystemError.
PeerAddress peer_of(int fd);
Address local_of(int fd);

}  // namespace remuda::io
