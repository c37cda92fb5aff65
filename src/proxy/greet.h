// The end of a login, on the home worker of its pool: from admission to the first ReadyForQuery.
#pragma once

#include "io/stream.h"
#include "io/task.h"
#include "proxy/admission.h"

namespace remuda::proxy {

class Worker;

// Waits for the pool's first server, greets, makes the client. Ends with a FATAL error to the
// client, or silently, when that fails.
io::Task<void> greet(Worker& worker, io::Stream stream, Admission admission);

}  // namespace remuda::proxy
