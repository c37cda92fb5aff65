#include "proxy/cancel_key.h"

#include "remuda/wire/crypto.h"

namespace remuda::proxy {
namespace {

constexpr size_t kWord = sizeof(uint32_t);
constexpr size_t kShort = kWord;
constexpr size_t kLong = kShort + kWord * std::tuple_size_v<decltype(CancelKey::tail)>;

}  // namespace

void make_secret(CancelKey& key, bool is_long) {
  const std::string random = wire::random_bytes(is_long ? kLong : kShort);
  key = *to_cancel_key(key.pid, random);
}

std::string secret_bytes(const CancelKey& key) {
  std::string bytes(key.is_long ? kLong : kShort, '\0');
  store_u32(bytes.data(), key.secret);
  for (size_t at = kShort; at < bytes.size(); at += kWord) {
    store_u32(bytes.data() + at, key.tail[at / kWord - 1]);
  }
  return bytes;
}

std::optional<CancelKey> to_cancel_key(uint32_t pid, ByteView secret) noexcept {
  if (secret.size() != kShort && secret.size() != kLong) return std::nullopt;
  CancelKey key;
  key.pid = pid;
  key.secret = load_u32(secret.data());
  key.is_long = secret.size() == kLong;
  for (size_t at = kShort; at < secret.size(); at += kWord) {
    key.tail[at / kWord - 1] = load_u32(secret.data() + at);
  }
  return key;
}

}  // namespace remuda::proxy
