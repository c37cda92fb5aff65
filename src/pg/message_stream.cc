#include "pg/message_stream.h"

#include "remuda/base/error.h"

namespace remuda::pg {

io::Task<wire::Message> MessageStream::next() {
  char buffer[4096];
  while (true) {
    auto message = frames_.next();
    if (message) co_return *message;
    const size_t n = co_await stream_.read_some(buffer, sizeof buffer);
    frames_.append({buffer, n});
  }
}

void MessageStream::send(std::string_view bytes) {
  if (stream_.write(bytes) == io::WriteResult::broken) throw Closed("connection lost");
}

std::string MessageStream::take_rest() {
  return frames_.take_rest() + stream_.take_unread();
}

}  // namespace remuda::pg
