#include "macro/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace remuda::bench {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  bool is_unix() const { return storage.ss_family == AF_UNIX; }
  const char* path() const { return reinterpret_cast<const sockaddr_un*>(&storage)->sun_path; }
};

Address address_of(const Endpoint& endpoint) {
  Address address;
  if (endpoint.host.starts_with('/')) {
    auto* local = reinterpret_cast<sockaddr_un*>(&address.storage);
    const std::string path = endpoint.host + "/.s.PGSQL." + std::to_string(endpoint.port);
    if (path.size() >= sizeof local->sun_path) die("path too long: " + path);
    local->sun_family = AF_UNIX;
    std::memcpy(local->sun_path, path.c_str(), path.size() + 1);
    address.length = sizeof *local;
    return address;
  }
  auto* inet = reinterpret_cast<sockaddr_in*>(&address.storage);
  inet->sin_family = AF_INET;
  inet->sin_port = htons(endpoint.port);
  if (inet_pton(AF_INET, endpoint.host.c_str(), &inet->sin_addr) != 1) {
    die("not an IPv4 address: " + endpoint.host);
  }
  address.length = sizeof *inet;
  return address;
}

void set_nodelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

void die(const std::string& what) {
  std::fprintf(stderr, "%s%s%s\n", what.c_str(), errno ? ": " : "", errno ? strerror(errno) : "");
  std::exit(1);
}

int listen_on(const Endpoint& endpoint) {
  Address address = address_of(endpoint);
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_unix()) unlink(address.path());
  if (bind(fd, address.get(), address.length) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  return fd;
}

int start_connect(const Endpoint& endpoint) {
  Address address = address_of(endpoint);
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_nodelay(fd);
  if (connect(fd, address.get(), address.length) == 0 || errno == EINPROGRESS) return fd;
  const int fault = errno;
  close(fd);
  errno = fault;
  return -1;
}

int accept_from(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) set_nodelay(fd);
  return fd;
}

void watch(int epoll, int fd, uint32_t events, void* tag, bool add) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (epoll_ctl(epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) die("epoll_ctl");
}

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace remuda::bench
