// A connection between two streams: detached from one loop, not yet on the next. Travels in a
// message. Dropped, it closes the connection.
#pragma once

#include <memory>
#include <string>

#include "io/file_descriptor.h"
#include "io/tls_session.h"

namespace remuda::io {

struct Parcel {
  FileDescriptor fd;
  bool is_unix = false;
  // Received and not yet consumed: read first by whoever takes the connection up.
  std::string unread;
  std::unique_ptr<TlsSession> tls;  // null: plain text
};

}  // namespace remuda::io
