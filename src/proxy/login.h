// A client's login, from the accepted socket to its admission by the pool's home worker.
#pragma once

#include "io/file_descriptor.h"
#include "io/task.h"
#include "proxy/admission.h"

namespace remuda::proxy {

class Worker;

// First bytes, start-up packet, authentication, limits; then to the home worker. Ends with a FATAL
// error to the client, or silently, when that fails. A task of the worker that got the connection.
io::Task<void> log_in(Worker& worker, io::FileDescriptor fd);

// The rest, on the home worker: waits for the pool's first server, greets, makes the client.
io::Task<void> greet(Worker& worker, Admission admission);

}  // namespace remuda::proxy
