// Whole protocol messages from a pulled stream, for the short conversations of the control plane:
// logins of both sides and internal queries. Owned by one task.
#pragma once

#include <string>

#include "io/stream.h"
#include "io/task.h"
#include "remuda/wire/frame.h"

namespace remuda::pg {

class MessageStream {
 public:
  // Longest message taken while logging in: long enough for passwords and tickets of any method.
  static constexpr size_t kMaxMessage = 128 * 1024;

  explicit MessageStream(io::Stream& stream, size_t max_message = kMaxMessage)
      : stream_(stream), frames_(max_message) {}

  // Bytes that were read before this began.
  void prepend(std::string_view bytes) { frames_.append(bytes); }

  // The next message; its body is valid until the next call. Throws Closed, TimedOut, and PgError
  // at a malformed length.
  io::Task<wire::Message> next();

  // Sends in full; the kernel's remainder is kept by the stream. Throws Closed when it is broken.
  void send(std::string_view bytes);

  // What was read beyond the last message.
  std::string take_rest();

 private:
  io::Stream& stream_;
  wire::FrameBuffer frames_;
};

}  // namespace remuda::pg
