// Walks over the messages of one read, whatever way the reads cut them. Used by the conversation
// only.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/session/conversation.h"
#include "remuda/session/egress.h"

namespace remuda::session {

struct FrameHeader {
  char type;
  uint32_t length;  // counts itself, not the type
  bool in_place;    // in the read buffer; otherwise it was cut and lies in the frame state
};

// Contract: before a message is handled there is room in egress for two runs and a cut-off header,
// and scratch holds at least one whole message, so that handling one never stops half-way.
class FrameWalk {
 public:
  static constexpr size_t kHeaderSize = 5;
  // Longest message that is collected when it is needed whole. Longer ones are streamed unread.
  static constexpr uint32_t kMaxWhole = 32 * 1024;

  FrameWalk(FrameState& frame, ByteView bytes, Egress& out) noexcept
      : frame_(frame), begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()), out_(out) {}

  size_t consumed() const noexcept { return static_cast<size_t>(at_ - begin_); }
  bool at_end() const noexcept { return at_ == end_; }
  ByteView unread() const noexcept { return {at_, left()}; }

  // Streams what is left of the current message. False when the read ended first.
  bool finish_body() noexcept {
    if (frame_.body_left == 0) return true;
    const size_t n = std::min<uint64_t>(frame_.body_left, left());
    if (frame_.body == FrameState::Body::forward) out_.forward({at_, n});
    at_ += n;
    frame_.body_left -= n;
    return frame_.body_left == 0;
  }

  // The next header. False when the read ended first; the part seen is kept.
  bool next_header(FrameHeader& header) noexcept {
    if (frame_.header_size == 0 && left() >= kHeaderSize) {
      header = {at_[0], load_u32(at_ + 1), true};
      return true;
    }
    const size_t n = std::min(kHeaderSize - frame_.header_size, left());
    std::copy_n(at_, n, frame_.header + frame_.header_size);
    at_ += n;
    frame_.header_size += static_cast<uint8_t>(n);
    if (frame_.header_size < kHeaderSize) return false;
    header = {frame_.header[0], load_u32(frame_.header + 1), false};
    return true;
  }

  void forward(const FrameHeader& header) noexcept { stream(header, FrameState::Body::forward); }
  void swallow(const FrameHeader& header) noexcept { stream(header, FrameState::Body::swallow); }

  // A message that must be whole: true when it is, with header, in `message`. Otherwise it is being
  // collected and finish_assembly goes on with the next read.
  bool whole(const FrameHeader& header, ByteView& message) {
    const size_t size = size_t{1} + header.length;
    if (header.in_place && left() >= size) {
      message = {at_, size};
      at_ += size;
      return true;
    }
    frame_.assembly = std::make_unique<std::string>();
    frame_.assembly->reserve(size);
    if (!header.in_place) frame_.assembly->assign(frame_.header, kHeaderSize);
    frame_.header_size = 0;
    return finish_assembly(message);
  }

  bool is_assembling() const noexcept { return frame_.assembly != nullptr; }

  bool finish_assembly(ByteView& message) {
    std::string& text = *frame_.assembly;
    while (text.size() < kHeaderSize && !at_end()) text += *at_++;
    if (text.size() < kHeaderSize) return false;
    const size_t size = size_t{1} + load_u32(text.data() + 1);
    const size_t n = std::min(size - text.size(), left());
    text.append(at_, n);
    at_ += n;
    message = text;
    return text.size() == size;
  }

  // The header of the message that is being collected. There is one.
  FrameHeader assembled_header() const noexcept {
    return {frame_.assembly->front(), load_u32(frame_.assembly->data() + 1), false};
  }

  // What is there of a message that is to be looked at before it is sent on, up to `most` bytes; it
  // stays until take(), or keep() if that is too little.
  ByteView gather(const FrameHeader& header, size_t most) {
    if (!frame_.assembly) {
      if (header.in_place) return {at_, std::min(left(), most)};
      frame_.assembly = std::make_unique<std::string>(frame_.header, kHeaderSize);
      frame_.header_size = 0;
    }
    std::string& text = *frame_.assembly;
    const size_t n = std::min(most - std::min(most, text.size()), left());
    text.append(at_, n);
    at_ += n;
    return text;
  }

  // Collects what gather() gave, so that the next read can go on.
  void keep(ByteView message) {
    if (frame_.assembly) return;
    frame_.assembly = std::make_unique<std::string>(message);
    at_ += message.size();
  }

  // A gathered message has been dealt with; of what follows its first `prefix` bytes this becomes.
  void take(const FrameHeader& header, size_t prefix, FrameState::Body body) noexcept {
    frame_.body = body;
    if (frame_.assembly) {
      const ByteView text = *frame_.assembly;
      if (body == FrameState::Body::forward) out_.copy(text.substr(prefix));
      frame_.body_left = uint64_t{1} + header.length - text.size();
      frame_.assembly.reset();
    } else {
      at_ += prefix;
      frame_.body_left = uint64_t{1} + header.length - prefix;
    }
    finish_body();
  }

  Egress& out() noexcept { return out_; }
  StatementCounts& counts() noexcept { return counts_; }

  // After a whole message has been handled: sends it on, or not, and forgets the collected copy.
  void forward_whole(ByteView message) noexcept {
    if (frame_.assembly) {
      out_.copy(message);
    } else {
      out_.forward(message);
    }
    frame_.assembly.reset();
  }
  void swallow_whole() noexcept { frame_.assembly.reset(); }

  bool has_room() const noexcept { return out_.has_room(2, kMaxWhole + kHeaderSize); }
  // For a message that is rewritten, with what may be put in front of it.
  bool has_room_to_rewrite() const noexcept { return out_.has_room(8, kMaxWhole + 4 * 1024); }

  // Keeps a header where the caller can print it.
  void remember(const FrameHeader& header) noexcept {
    if (header.in_place) std::copy_n(at_, kHeaderSize, frame_.header);
  }

 private:
  size_t left() const noexcept { return static_cast<size_t>(end_ - at_); }

  void stream(const FrameHeader& header, FrameState::Body body) noexcept {
    frame_.body = body;
    if (header.in_place) {
      frame_.body_left = uint64_t{1} + header.length;
    } else {
      if (body == FrameState::Body::forward) out_.copy({frame_.header, kHeaderSize});
      frame_.header_size = 0;
      frame_.body_left = header.length - 4;
    }
    finish_body();
  }

  FrameState& frame_;
  const char* begin_;
  const char* at_;
  const char* end_;
  Egress& out_;
  StatementCounts counts_;
};

}  // namespace remuda::session
