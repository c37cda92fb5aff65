// Client side of a connection.
#pragma once

#include "io/address.h"
#include "io/stream.h"
#include "io/task.h"
#include "io/tcp_options.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Deadline;
class Loop;
class TaskScope;

// Connects. Throws SystemError, TimedOut after `timeout` (0: none), or Closed when the scope, if
// given, closes meanwhile. The options are set before the connection begins, as the size of a
// buffer counts from the first segment. A unix-domain listener whose queue is full is tried again
// until timeout.
Task<Stream> connect(Loop& loop, Address address, Micros timeout, TaskScope* scope = nullptr,
                     TcpOptions options = TcpOptions());
// The same with the caller's deadline.
Task<Stream> connect(Loop& loop, Address address, Deadline& deadline, TaskScope* scope,
                     TcpOptions options);

}  // namespace remuda::io
