#include "remuda/wire/secret.h"

#include "remuda/base/text.h"
#include "remuda/wire/md5.h"
#include "remuda/wire/scram.h"

namespace remuda::wire {
namespace {

constexpr ByteView kScramPrefix = "SCRAM-SHA-256$";
constexpr size_t kMd5TextSize = 35;

// Cuts `text` at the first `separator`; false without one.
bool split(ByteView& text, char separator, ByteView& field) noexcept {
  const size_t at = text.find(separator);
  if (at == ByteView::npos) return false;
  field = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

bool parse_iterations(ByteView text, uint32_t& iterations) noexcept {
  iterations = parse_number<uint32_t>(text).value_or(0);
  return iterations >= 1 && iterations <= INT32_MAX;
}

bool parse_key(ByteView text, Digest& key) {
  const auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != key.size()) return false;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return true;
}

bool is_md5_text(ByteView text) noexcept {
  return text.size() == kMd5TextSize && text.starts_with("md5") &&
         text.find_first_not_of("0123456789abcdef", 3) == ByteView::npos;
}

}  // namespace

std::optional<ScramSecret> parse_scram_secret(ByteView text) {
  if (!text.starts_with(kScramPrefix)) return std::nullopt;
  text.remove_prefix(kScramPrefix.size());
  ByteView iterations;
  ByteView salt;
  ByteView stored_key;
  if (!split(text, ':', iterations) || !split(text, '$', salt) || !split(text, ':', stored_key)) {
    return std::nullopt;
  }
  ScramSecret secret;
  const auto raw_salt = base64_decode(salt);
  if (!raw_salt || raw_salt->empty() || !parse_iterations(iterations, secret.iterations) ||
      !parse_key(stored_key, secret.stored_key) || !parse_key(text, secret.server_key)) {
    return std::nullopt;
  }
  secret.salt = *raw_salt;
  return secret;
}

std::string format_scram_secret(const ScramSecret& secret) {
  return std::string(kScramPrefix) + std::to_string(secret.iterations) + ':' +
         base64_encode(secret.salt) + '$' + base64_encode(view_of(secret.stored_key)) + ':' +
         base64_encode(view_of(secret.server_key));
}

Secret parse_secret(ByteView text) {
  Secret secret;
  secret.text = text;
  secret.scram = parse_scram_secret(text);
  if (secret.scram) {
    secret.kind = SecretKind::scram;
  } else if (is_md5_text(text)) {
    secret.kind = SecretKind::md5;
  }
  return secret;
}

bool verify_password(const Secret& secret, ByteView user, ByteView password) {
  if (password.empty()) return false;
  switch (secret.kind) {
    case SecretKind::plain:
      return same_bytes(secret.text, password);
    case SecretKind::md5:
      return same_bytes(secret.text, md5_password_hash(password, user));
    case SecretKind::scram:
      break;
  }
  if (secret.scram->iterations > kMaxScramIterations) return false;
  const ScramSecret rebuilt = build_secret(password, secret.scram->salt, secret.scram->iterations);
  return same_bytes(view_of(rebuilt.server_key), view_of(secret.scram->server_key));
}

}  // namespace remuda::wire
