// A connection between two streams: detached from one loop, not yet on the next. Travels in a
// message. Dropped, it closes the connection.
#pragma once

#include <string>

#include "io/file_descriptor.h"

namespace remuda::io {

struct Parcel {
  FileDescriptor fd;
  bool is_unix = false;
  // Received and not yet consumed: read first by whoever takes the connection up.
  std::string unread;
};

}  // namespace remuda::io
