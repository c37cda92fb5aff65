// Writes and reads messages of PostgreSQL's protocol 3. The bench has its own few lines for this,
// so that a fault of the code under test cannot hide behind the same fault here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remuda/base/bytes.h"

namespace remuda::bench {

inline void put_u16(std::string& out, uint16_t v) {
  char bytes[2];
  store_u16(bytes, v);
  out.append(bytes, sizeof bytes);
}

inline void put_u32(std::string& out, uint32_t v) {
  char bytes[4];
  store_u32(bytes, v);
  out.append(bytes, sizeof bytes);
}

// Text and the zero byte that ends it.
inline void put_text(std::string& out, std::string_view text) {
  out.append(text);
  out.push_back('\0');
}

// One message under construction at the end of `out`; its length is filled in when this dies.
class Packet {
 public:
  Packet(std::string& out, char type) : out_(out) {
    if (type != '\0') out_.push_back(type);
    length_at_ = out_.size();
    out_.append(4, '\0');
  }
  ~Packet() {
    store_u32(out_.data() + length_at_, static_cast<uint32_t>(out_.size() - length_at_));
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

 private:
  std::string& out_;
  size_t length_at_;
};

// Takes fields from the front of a message body. A field that is not there makes `ok` false.
class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }

  std::string_view bytes(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  uint16_t u16() {
    const auto b = bytes(2);
    return b.size() == 2 ? load_u16(b.data()) : uint16_t{0};
  }
  uint32_t u32() {
    const auto b = bytes(4);
    return b.size() == 4 ? load_u32(b.data()) : 0;
  }
  std::string_view text() {
    const size_t end = rest_.find('\0');
    const auto taken = bytes(end == std::string_view::npos ? rest_.size() + 1 : end + 1);
    return taken.substr(0, taken.empty() ? 0 : taken.size() - 1);
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace remuda::bench
