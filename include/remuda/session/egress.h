// Ordered runs of bytes for one peer: what one call of the conversation wants sent.
// Runs point into the buffer that was read and into scratch memory, so they are valid until either
// is used again; the owner sends them before that. Fixed size, never allocates. One thread. The
// conversation wants at least kMinScratch bytes of scratch.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstring>
#include <span>

#include "remuda/base/bytes.h"

namespace remuda::session {

class Egress {
 public:
  static constexpr size_t kMaxRuns = 32;
  static constexpr size_t kMinScratch = 48 * 1024;

  explicit Egress(std::span<char> scratch) : scratch_(scratch) {}

  // Appends bytes of the read buffer; lengthens the last run where they follow it directly.
  // False, and nothing done, when there is no room for another run.
  bool forward(ByteView bytes) noexcept {
    if (bytes.empty()) return true;
    if (count_ > 0) {
      iovec& last = runs_[count_ - 1];
      if (static_cast<char*>(last.iov_base) + last.iov_len == bytes.data()) {
        last.iov_len += bytes.size();
        return true;
      }
    }
    if (count_ == kMaxRuns) return false;
    runs_[count_++] = iovec{const_cast<char*>(bytes.data()), bytes.size()};
    return true;
  }

  // Appends a copy of bytes that will not live long enough. False, and nothing done, without room.
  bool copy(ByteView bytes) noexcept {
    if (bytes.empty()) return true;
    if (bytes.size() > scratch_.size() - used_) return false;
    char* at = scratch_.data() + used_;
    std::memcpy(at, bytes.data(), bytes.size());
    if (!forward({at, bytes.size()})) return false;
    used_ += bytes.size();
    return true;
  }

  bool has_room(size_t runs, size_t scratch) const noexcept {
    return kMaxRuns - count_ >= runs && scratch_.size() - used_ >= scratch;
  }

  std::span<iovec> runs() noexcept { return {runs_.data(), count_}; }
  bool empty() const noexcept { return count_ == 0; }

  size_t size() const noexcept {
    size_t total = 0;
    for (size_t i = 0; i < count_; ++i) total += runs_[i].iov_len;
    return total;
  }

  void clear() noexcept {
    count_ = 0;
    used_ = 0;
  }

 private:
  std::span<char> scratch_;
  size_t used_ = 0;
  size_t count_ = 0;
  std::array<iovec, kMaxRuns> runs_;
};

}  // namespace remuda::session
