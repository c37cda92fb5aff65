// Bounds-checked fields of a message body. After a field that was not there every later one is zero
// or empty and ok() stays false, so a caller reads all fields first and asks once. Views point into
// the body. By value, one thread. PostgreSQL manual, Frontend/Backend Protocol, Message Data Types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "remuda/base/bytes.h"

namespace remuda::wire {

class Reader {
 public:
  explicit Reader(ByteView body) noexcept : left_(body) {}

  uint8_t u8() noexcept {
    const ByteView field = bytes(1);
    return field.empty() ? uint8_t{0} : static_cast<uint8_t>(field[0]);
  }
  uint16_t u16() noexcept {
    const ByteView field = bytes(2);
    return field.empty() ? uint16_t{0} : load_u16(field.data());
  }
  uint32_t u32() noexcept {
    const ByteView field = bytes(4);
    return field.empty() ? 0 : load_u32(field.data());
  }
  int16_t i16() noexcept { return static_cast<int16_t>(u16()); }
  int32_t i32() noexcept { return static_cast<int32_t>(u32()); }

  // Up to the next NUL, which is consumed but not part of the view.
  ByteView cstring() noexcept {
    const size_t end = left_.find('\0');
    if (end == ByteView::npos) return fail();
    const ByteView text = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return text;
  }

  ByteView bytes(size_t n) noexcept {
    if (n > left_.size()) return fail();
    const ByteView field = left_.substr(0, n);
    left_.remove_prefix(n);
    return field;
  }

  // All that is left.
  ByteView rest() noexcept { return bytes(left_.size()); }

  size_t remaining() const noexcept { return left_.size(); }
  bool ok() const noexcept { return ok_; }
  // Every field was there and nothing follows.
  bool done() const noexcept { return ok_ && left_.empty(); }

 private:
  ByteView fail() noexcept {
    ok_ = false;
    left_ = {};
    return {};
  }

  ByteView left_;
  bool ok_ = true;
};

}  // namespace remuda::wire
