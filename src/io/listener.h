// A listening socket, accepting in batches. Owned by the control thread's daemon; its loop only.
#pragma once

#include <sys/stat.h>

#include <climits>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "io/address.h"
#include "io/file_descriptor.h"
#include "io/tcp_options.h"
#include "io/timer.h"
#include "remuda/base/time.h"

namespace remuda::io {

// The unix socket belongs to a live server: `unix socket is in use, cannot continue`, or
// `unix port N is in use` by the lock file beside it.
class SocketInUse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ListenOptions {
  int backlog = 128;
  bool reuse_port = false;    // TCP
  bool defer_accept = false;  // TCP
  TcpOptions tcp;
  mode_t unix_mode = 0777;  // of the socket file
  std::string unix_group;   // name or number; empty: as created
  // When descriptors run out: what those are sent who are turned away, and how long the listener
  // then rests. A connection whose descriptor is `highest_fd` or above is turned away as well, so
  // that those who are in find descriptors for what they need.
  std::string refusal;
  int highest_fd = INT_MAX;
  Micros pause = 100 * kMillisecond;
};

class Listener {
 public:
  // Owns the descriptor (non-blocking, close-on-exec). May destroy the listener.
  using OnConnection = std::function<void(FileDescriptor fd, const Address& peer)>;
  static constexpr int kBatch = 64;
  static constexpr Micros kLogPeriod = 5 * kSecond;  // for lines about a lack of descriptors

  // Binds and listens. A stale unix socket file is replaced. Throws SocketInUse, or SystemError
  // `cannot listen on ADDRESS: CALL(): ERROR`.
  Listener(Loop& loop, const Address& address, const ListenOptions& options, OnConnection accepted);
  // Takes over a socket that listens already, as by socket activation.
  Listener(Loop& loop, FileDescriptor listening, const ListenOptions& options,
           OnConnection accepted);
  ~Listener();

  // Where it listens; a port asked for as 0 is known here.
  const Address& address() const noexcept;
  int fd() const noexcept;
  // Stops and starts accepting; connections queue in the kernel meanwhile.
  void pause() noexcept;
  void resume();
  // These may change by reload; connections to come have the options of the listener.
  void set_defer_accept(bool on) noexcept;
  void set_connection_options(const TcpOptions& options) noexcept;
  // Closes, removing its unix socket file. Idempotent.
  void close() noexcept;

 private:
  void begin();

  struct State;
  std::shared_ptr<State> state_;
};

// The first half of what a Listener does for a unix path, for a check early at start: throws
// SocketInUse if a lock file is beside it or somebody answers.
void check_unix_socket(const Address& address);

}  // namespace remuda::io
