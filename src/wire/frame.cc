#include "remuda/wire/frame.h"

#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::wire {

FrameBuffer::~FrameBuffer() {
  wipe(bytes_);
}

std::string bad_header_text(ByteView bytes) {
  std::string text = "bad packet header: '";
  append_hex(text, bytes.substr(0, 8));
  text += '\'';
  return text;
}

void FrameBuffer::append(ByteView bytes) {
  bytes_.erase(0, consumed_);
  consumed_ = 0;
  bytes_ += bytes;
}

std::optional<Message> FrameBuffer::next() {
  const ByteView left = ByteView(bytes_).substr(consumed_);
  if (left.size() < kHeaderSize) return std::nullopt;
  Header header;
  if (!parse_header(left.data(), header) || header.message_size() > max_message_) {
    throw PgError(sqlstate::kProtocolViolation, bad_header_text(left));
  }
  if (left.size() < header.message_size()) return std::nullopt;
  consumed_ += header.message_size();
  return Message{header.type, left.substr(kHeaderSize, header.body_size())};
}

std::string FrameBuffer::take_rest() {
  std::string rest = bytes_.substr(consumed_);
  bytes_.clear();
  consumed_ = 0;
  return rest;
}

}  // namespace remuda::wire
