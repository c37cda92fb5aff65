// All sockets that the process accepts connections on: those that the service manager has passed
// (socket activation, sd_listen_fds(3)), else what listen_addr and unix_socket_dir name. Opened by
// the main thread before any other runs; from then on the thread of its loop only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "io/listener.h"
#include "io/loop.h"

namespace remuda::daemon {

class Listeners {
 public:
  using OnConnection = std::function<void(io::FileDescriptor fd)>;

  // Throws when there is nothing to listen on, or a unix socket cannot be had. Descriptors of
  // clients stay below `highest_fd`.
  Listeners(io::Loop& loop, const config::Config& config, int highest_fd, OnConnection accepted);

  // What a reload may change.
  void adopt(const config::Config& config);
  // SUSPEND: connections wait in the kernel.
  void pause();
  void resume();
  // Clients are no longer accepted; the console can still be reached by the unix sockets.
  void close_tcp();
  void close();

 private:
  void take_passed(int count);
  void open_configured(const config::Config& config);
  void open_tcp(const std::string& host, uint16_t port);
  void open_unix(const config::Config& config);
  void add(std::unique_ptr<io::Listener> listener);

  io::Loop& loop_;
  const io::ListenOptions options_;
  const io::Listener::OnConnection accepted_;
  std::vector<std::unique_ptr<io::Listener>> all_;
};

// The check that is done before the process goes to the background, so that somebody reads what is
// wrong: throws when another process serves the unix socket.
void check_unix_socket(const config::Config& config);

}  // namespace remuda::daemon
