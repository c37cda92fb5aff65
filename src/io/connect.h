// Client side of a connection.
#pragma once

#include "io/address.h"
#include "io/stream.h"
#include "io/task.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Loop;
class TaskScope;

// Connects. Throws SystemError, TimedOut after `timeout` (0: none), or Closed when the scope, if
// given, closes meanwhile. A unix-domain listener whose queue is full is tried again until timeout.
Task<Stream> connect(Loop& loop, Address address, Micros timeout, TaskScope* scope = nullptr);

}  // namespace remuda::io
