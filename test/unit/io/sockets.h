// Sockets for tests: the raw end of a pair is used with plain system calls, blocking.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/file_descriptor.h"
#include "remuda/base/error.h"

namespace remuda::io {

struct SocketPair {
  FileDescriptor ours;    // to be adopted by a Stream
  FileDescriptor theirs;  // the peer
};

inline SocketPair unix_pair() {
  int fds[2];
  REMUDA_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

inline SocketPair tcp_pair() {
  const FileDescriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&in);
  socklen_t size = sizeof in;
  REMUDA_CHECK(::bind(listening.get(), raw, size) == 0);
  REMUDA_CHECK(::listen(listening.get(), 1) == 0);
  REMUDA_CHECK(::getsockname(listening.get(), raw, &size) == 0);
  FileDescriptor theirs(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REMUDA_CHECK(::connect(theirs.get(), raw, size) == 0);
  FileDescriptor ours(::accept(listening.get(), nullptr, nullptr));
  REMUDA_CHECK(ours.get() >= 0);
  return {std::move(ours), std::move(theirs)};
}

inline void send_all(const FileDescriptor& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REMUDA_CHECK(n > 0);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// What can be read without waiting; sets `ended` at the end of the stream.
inline std::string receive_now(const FileDescriptor& fd, bool* ended = nullptr) {
  std::string all;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n == 0 && ended != nullptr) *ended = true;
    if (n <= 0) return all;
    all.append(buffer, static_cast<size_t>(n));
  }
}

// A reset instead of an end when `fd` is closed. TCP only.
inline void reset_on_close(const FileDescriptor& fd) {
  const linger at_once{1, 0};
  REMUDA_CHECK(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
}

// A directory of its own for a test, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/remuda-test-XXXXXX";
    REMUDA_CHECK(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace remuda::io
