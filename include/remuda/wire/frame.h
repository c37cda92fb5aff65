// Messages in a stream of bytes: one type byte, a 32-bit length that counts itself, the body.
// FrameBuffer collects whole messages for the control plane (logins, internal queries), which is
// bounded and short; the data plane streams instead (session/conversation.h). Owned by one task.
// PostgreSQL manual, Frontend/Backend Protocol, Message Formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"

namespace remuda::wire {

constexpr size_t kHeaderSize = 5;
constexpr uint32_t kMinLength = 4;  // the length counts itself, so a smaller one is malformed

struct Header {
  char type = 0;
  uint32_t length = 0;

  size_t body_size() const noexcept { return length - kMinLength; }
  size_t message_size() const noexcept { return size_t{length} + 1; }
};

// Reads kHeaderSize bytes. False when the length is malformed.
inline bool parse_header(const char* p, Header& header) noexcept {
  header = Header{p[0], load_u32(p + 1)};
  return header.length >= kMinLength;
}

// "bad packet header: 'HEX'", with the first 8 bytes of what is there.
std::string bad_header_text(ByteView bytes);

// One whole message; the body lies in the buffer it came from.
struct Message {
  char type = 0;
  ByteView body;
};

class FrameBuffer {
 public:
  // `max_message` bounds type, length and body together.
  explicit FrameBuffer(size_t max_message) : max_message_(max_message) {}
  // What passed through may have been passwords.
  ~FrameBuffer();
  FrameBuffer(const FrameBuffer&) = default;
  FrameBuffer& operator=(const FrameBuffer&) = default;

  // Adds what was read. Ends the life of every view next() gave.
  void append(ByteView bytes);

  // The next whole message, or nothing before more bytes are there.
  // Throws PgError 08P01 at a length that is malformed or beyond the bound: nothing of such a body
  // is waited for.
  std::optional<Message> next();

  // Takes the bytes that no message was made of, for whoever reads this peer from now on.
  std::string take_rest();

  // Bytes that were appended and not handed out yet.
  size_t pending() const noexcept { return bytes_.size() - consumed_; }

  // From the next message on: a peer that has proved itself may send larger ones.
  void set_max_message(size_t max_message) noexcept { max_message_ = max_message; }

 private:
  std::string bytes_;
  size_t consumed_ = 0;
  size_t max_message_;
};

}  // namespace remuda::wire
