// A client's login, from the accepted socket to its admission by the pool's home worker.
#pragma once

#include "io/file_descriptor.h"
#include "io/task.h"

namespace remuda::proxy {

class Worker;

// First bytes, TLS, start-up packet, limits, authentication; then to the home worker (greet.h).
// Ends with a FATAL error to the client, or silently, when that fails. A task of the worker that
// got the connection.
io::Task<void> log_in(Worker& worker, io::FileDescriptor fd);

}  // namespace remuda::proxy
