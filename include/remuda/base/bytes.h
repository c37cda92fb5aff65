// Views of protocol bytes. A view never owns: it is valid as long as the buffer it points into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace remuda {

using ByteView = std::string_view;

// Network byte order, unaligned. The caller guarantees that enough bytes are there.
inline uint16_t load_u16(const char* p) noexcept {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  return static_cast<uint16_t>(b[0] << 8 | b[1]);
}

inline uint32_t load_u32(const char* p) noexcept {
  const auto* b = reinterpret_cast<const unsigned char*>(p);
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

inline void store_u16(char* p, uint16_t v) noexcept {
  p[0] = static_cast<char>(v >> 8);
  p[1] = static_cast<char>(v);
}

inline void store_u32(char* p, uint32_t v) noexcept {
  p[0] = static_cast<char>(v >> 24);
  p[1] = static_cast<char>(v >> 16);
  p[2] = static_cast<char>(v >> 8);
  p[3] = static_cast<char>(v);
}

// Two lower-case digits per byte. The caller guarantees that there is room. Returns its end.
inline char* store_hex(char* p, ByteView bytes) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *p++ = kDigits[byte >> 4];
    *p++ = kDigits[byte & 15];
  }
  return p;
}

inline void append_hex(std::string& out, ByteView bytes) {
  const size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  store_hex(out.data() + at, bytes);
}

}  // namespace remuda
