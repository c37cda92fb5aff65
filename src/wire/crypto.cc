#include "remuda/wire/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>

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

// SHA-256 looked up once: OpenSSL 3 otherwise searches its providers for every digest.
const EVP_MD* sha256_type() {
  static const EVP_MD* const type = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return type;
}

// One per thread, set up once.
EVP_MD_CTX* digest_context() {
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  return context.get();
}

bool digest_two(EVP_MD_CTX* context, ByteView first, ByteView second, Digest& digest) {
  return EVP_DigestInit_ex(context, sha256_type(), nullptr) == 1 &&
         EVP_DigestUpdate(context, raw(first), first.size()) == 1 &&
         EVP_DigestUpdate(context, raw(second), second.size()) == 1 &&
         EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
}

int base64_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Spare bits must be zero, or several texts would stand for the same bytes.
bool is_base64_text(ByteView text) noexcept {
  if (text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  int last = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    last = base64_value(c);
    if (last < 0) return false;
  }
  const int spare = padding == 2 ? 0x0f : padding == 1 ? 0x03 : 0;
  return (last & spare) == 0;
}

}  // namespace

Digest sha256(ByteView data) {
  Digest digest;
  require(digest_two(digest_context(), data, {}, digest), "SHA-256");
  return digest;
}

// RFC 2104, over OpenSSL's digest: its own HMAC() costs several times the hashing.
Digest hmac_sha256(ByteView key, ByteView data) {
  constexpr size_t kBlock = 64;
  std::array<char, kBlock> inner{};
  EVP_MD_CTX* const context = digest_context();
  Digest digest;
  bool is_done = true;
  if (key.size() > kBlock) {
    is_done = digest_two(context, key, {}, digest);
    std::memcpy(inner.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(inner.data(), key.data(), key.size());
  }
  std::array<char, kBlock> outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  is_done = is_done && digest_two(context, {inner.data(), kBlock}, data, digest) &&
            digest_two(context, {outer.data(), kBlock},
                       {reinterpret_cast<const char*>(digest.data()), digest.size()}, digest);
  OPENSSL_cleanse(inner.data(), kBlock);
  OPENSSL_cleanse(outer.data(), kBlock);
  require(is_done, "HMAC");
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
  return data;
}

std::string random_bytes(size_t n) {
  std::string bytes(n, '\0');
  // Up to this size the kernel gives all that is asked for, without interruption.
  constexpr size_t kPart = 256;
  for (size_t at = 0; at < n; at += kPart) {
    const size_t part = std::min(kPart, n - at);
    require(getrandom(bytes.data() + at, part, 0) == static_cast<ssize_t>(part), "random numbers");
  }
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
