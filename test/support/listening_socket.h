// A socket that listens, and says nothing of its own: for a program under test to connect to, or to
// take over. Owned by the test. What the machine refuses throws.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "support/wait.h"

namespace remuda::test {

class ListeningSocket {
 public:
  // On a free port of 127.0.0.1, or on this one of another of this machine's addresses.
  explicit ListeningSocket(in_addr_t host = INADDR_LOOPBACK, int port = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    address.sin_port = htons(static_cast<uint16_t>(port));
    socklen_t size = sizeof address;
    listen_on(reinterpret_cast<sockaddr*>(&address), size);
    check(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size));
    port_ = ntohs(address.sin_port);
  }
  // On a path, for every user.
  explicit ListeningSocket(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
    check(::chmod(path.c_str(), 0777));
  }
  ~ListeningSocket() { close(); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int fd() const { return fd_; }
  // 0 on a path.
  int port() const { return port_; }
  // The next connection, which is the caller's to close; negative if none comes in time.
  int accept(milliseconds timeout = kPatience) const {
    pollfd wanted{fd_, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(timeout.count())) <= 0) return -1;
    return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  }
  // Connections not accepted are reset.
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  static void check(int result) {
    if (result != 0) throw std::system_error(errno, std::generic_category(), "a listening socket");
  }
  void listen_on(const sockaddr* address, socklen_t size) const {
    check(::bind(fd_, address, size));
    check(::listen(fd_, 128));
  }

  int fd_;
  int port_ = 0;
};

}  // namespace remuda::test
