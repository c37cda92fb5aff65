#include "remuda/wire/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <limits>

#include "remuda/base/error.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::wire {
namespace {

const unsigned char* raw(ByteView bytes) noexcept {
  // OpenSSL takes an empty message by pointer too.
  static const unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

// What OpenSSL counts in int must fit; every caller bounds its input far below.
int int_size(ByteView bytes) {
  REMUDA_CHECK(bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) / 2);
  return static_cast<int>(bytes.size());
}

void require(bool success, const char* what) {
  if (!success) {
    throw PgError(sqlstate::kInternalError, std::string("cryptography failed: ") + what);
  }
}

bool is_base64_text(ByteView text) noexcept {
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/') return false;
  }
  return true;
}

}  // namespace

Digest sha256(ByteView data) {
  Digest digest;
  require(EVP_Digest(raw(data), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
          "SHA-256");
  return digest;
}

Digest hmac_sha256(ByteView key, ByteView data) {
  Digest digest;
  unsigned size = 0;
  require(HMAC(EVP_sha256(), raw(key), int_size(key), raw(data), data.size(), digest.data(),
               &size) != nullptr,
          "HMAC");
  return digest;
}

Digest pbkdf2_sha256(ByteView password, ByteView salt, uint32_t iterations) {
  REMUDA_CHECK(iterations >= 1 &&
               iterations <= static_cast<uint32_t>(std::numeric_limits<int>::max()));
  Digest digest;
  require(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(raw(password)), int_size(password),
                            raw(salt), int_size(salt), static_cast<int>(iterations), EVP_sha256(),
                            static_cast<int>(digest.size()), digest.data()) == 1,
          "PBKDF2");
  return digest;
}

std::string base64_encode(ByteView data) {
  // EVP_EncodeBlock adds a NUL, for which a string has room behind its end.
  std::string text((data.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), raw(data), int_size(data));
  return text;
}

std::optional<std::string> base64_decode(ByteView text) {
  if (!is_base64_text(text)) return std::nullopt;
  std::string data(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(data.data()), raw(text), int_size(text));
  if (size < 0) return std::nullopt;
  data.resize(data.size() - (text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
  // Spare bits must be zero, or several texts would stand for the same bytes.
  if (base64_encode(data) != text) return std::nullopt;
  return data;
}

std::string random_bytes(size_t n) {
  std::string bytes(n, '\0');
  require(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), int_size(bytes)) == 1,
          "random numbers");
  return bytes;
}

bool same_bytes(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(raw(a), raw(b), a.size()) == 0;
}

void wipe(std::string& secret) noexcept {
  secret.resize(secret.capacity());  // allocates nothing
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

void wipe(Digest& secret) noexcept {
  OPENSSL_cleanse(secret.data(), secret.size());
}

}  // namespace remuda::wire
