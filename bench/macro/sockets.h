// Sockets as the bench programs need them: non-blocking, without Nagle's delay. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace remuda::bench {

// Where to connect to or listen on. A host that starts with '/' is a directory of Unix sockets, as
// in libpq: the socket is then HOST/.s.PGSQL.PORT. Otherwise an IPv4 address.
struct Endpoint {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
};

// A listening descriptor. Prints the fault and exits when the address cannot be had.
int listen_on(const Endpoint& endpoint);

// A descriptor whose connect has begun (writable when done), or -1 with errno set.
int start_connect(const Endpoint& endpoint);

// A descriptor accepted from a listener, or -1 when none is waiting.
int accept_from(int listener);

// Has epoll report `events` of `fd` with `tag`; `add` for the first time.
void watch(int epoll, int fd, uint32_t events, void* tag, bool add);

// Lets this process open as many descriptors as its hard limit allows; returns that number.
uint64_t raise_descriptor_limit();

[[noreturn]] void die(const std::string& what);

}  // namespace remuda::bench
