// Passwords, keys and secrets of SCRAM: what does not depend on an exchange.
#include <openssl/crypto.h>
#include <stringprep.h>

#include <cstdlib>
#include <memory>

#include "remuda/base/error.h"
#include "remuda/base/text.h"
#include "remuda/wire/scram.h"

namespace remuda::wire {
namespace {

// Preparation takes time in the square of the length, and a peer chooses the length.
constexpr size_t kLongestPrepared = 4 * 1024;

struct Freed {
  void operator()(char* text) const noexcept { std::free(text); }
};

}  // namespace

std::string saslprep(ByteView password) {
  std::string text(password);
  // The library reads up to a NUL, and ASCII is its own normal form.
  if (is_ascii(password) || password.find('\0') != ByteView::npos) return text;
  if (password.size() > kLongestPrepared) return text;
  char* prepared = nullptr;
  const int result =
      stringprep_profile(text.c_str(), &prepared, "SASLprep", STRINGPREP_NO_UNASSIGNED);
  const std::unique_ptr<char, Freed> owner(prepared);
  if (result != STRINGPREP_OK || prepared == nullptr || *prepared == '\0') return text;
  wipe(text);
  text = prepared;
  OPENSSL_cleanse(prepared, text.size());
  return text;
}

Digest salted_password(ByteView password, ByteView salt, uint32_t iterations) {
  std::string prepared = saslprep(password);
  const WipeAtEnd wiped(prepared);
  return pbkdf2_sha256(prepared, salt, iterations);
}

ScramKeys derive_keys(const Digest& salted_password) {
  const ByteView salted = view_of(salted_password);
  return {hmac_sha256(salted, "Client Key"), hmac_sha256(salted, "Server Key")};
}

ScramSecret build_secret(ByteView password, ByteView salt, uint32_t iterations) {
  Digest salted = salted_password(password, salt, iterations);
  ScramKeys keys = derive_keys(salted);
  wipe(salted);
  return {iterations, std::string(salt), sha256(view_of(keys.client_key)), keys.server_key};
}

}  // namespace remuda::wire
