// The few cryptographic operations that protocol and passwords need, over OpenSSL. A failure inside
// OpenSSL throws PgError XX000. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "remuda/base/bytes.h"

namespace remuda::wire {

// 32 bytes: a SHA-256 digest or a key of that size.
using Digest = std::array<unsigned char, 32>;

inline ByteView view_of(const Digest& digest) noexcept {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest sha256(ByteView data);
Digest hmac_sha256(ByteView key, ByteView data);
// Takes milliseconds at usual counts: offload it. `iterations` is at least 1.
Digest pbkdf2_sha256(ByteView password, ByteView salt, uint32_t iterations);

std::string base64_encode(ByteView data);
// Strict: padded, nothing but the alphabet, no spare bits. Empty text gives empty bytes.
std::optional<std::string> base64_decode(ByteView text);

// Unpredictable bytes.
std::string random_bytes(size_t n);

// Equality in a time that depends on the lengths only.
bool same_bytes(ByteView a, ByteView b) noexcept;

// Overwrites what must not stay in memory: of a string all that its buffer can hold, so that a
// longer text it once was goes as well.
void wipe(std::string& secret) noexcept;
void wipe(Digest& secret) noexcept;

// Wipes a string when the scope ends, by whatever way.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::string& secret) noexcept : secret_(secret) {}
  ~WipeAtEnd() { wipe(secret_); }
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;

 private:
  std::string& secret_;
};

}  // namespace remuda::wire
