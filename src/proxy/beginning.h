// The message that begins a transaction, for as long as nothing else of that was sent: a server
// that is lost before it has answered has done nothing yet, so that another may begin it unseen.
// Kept by a server whose host is checked; worker's thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "remuda/base/bytes.h"

namespace remuda::proxy {

class Beginning {
 public:
  // The client's next bytes, which the server is about to be sent. Kept if they are one short Query
  // that may be a BEGIN; what it is, the server's pipeline knows.
  void note(ByteView bytes) noexcept {
    size_ = 0;
    const bool is_short = bytes.size() > kHeader && bytes.size() <= bytes_.size();
    if (!is_short || bytes[0] != 'Q' || load_u32(bytes.data() + 1) + 1 != bytes.size()) return;
    size_ = static_cast<uint8_t>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  // Empty: there is none.
  ByteView bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  static constexpr size_t kHeader = 5;

  std::array<char, 80> bytes_;
  uint8_t size_ = 0;
};

}  // namespace remuda::proxy
