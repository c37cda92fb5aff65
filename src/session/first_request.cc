#include "remuda/session/first_request.h"

#include "remuda/wire/frame.h"

namespace remuda::session {
namespace {

constexpr uint32_t kLeastLength = 4;

bool is_alone(char type) noexcept {
  return type == 'Q' || type == 'F';
}

bool is_of_batch(char type) noexcept {
  return ByteView("PBDECH").find(type) != ByteView::npos;
}

}  // namespace

std::optional<size_t> first_request(ByteView bytes) noexcept {
  size_t at = 0;
  while (bytes.size() - at >= wire::kHeaderSize) {
    const char type = bytes[at];
    const uint32_t length = load_u32(bytes.data() + at + 1);
    const size_t size = size_t{1} + length;
    if (length < kLeastLength || bytes.size() - at < size) return std::nullopt;
    const bool is_first = at == 0;
    at += size;
    if (type == 'S' || (is_first && is_alone(type))) return at;
    if (!is_of_batch(type)) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace remuda::session
