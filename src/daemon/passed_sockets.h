// The descriptors that a service manager has opened for us and passes from number 3 on:
// sd_listen_fds(3), LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES. Main thread, before others run.
#pragma once

#include <string>

#include "io/file_descriptor.h"

namespace remuda::daemon {

// 0 if there are none, or they are for another process.
int passed_socket_count();

struct PassedSocket {
  io::FileDescriptor fd;
  std::string name;  // empty if it has none
};

// The one of this index, below the count. Ours from now on; to be taken once.
PassedSocket take_passed_socket(int index);

}  // namespace remuda::daemon
