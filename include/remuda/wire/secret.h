// What is stored to check a password with: the password itself, its md5 hash, or a SCRAM secret.
// Values that wipe themselves when they die; any thread.
// PostgreSQL manual, Password Authentication; pg_authid.rolpassword.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/wire/crypto.h"

namespace remuda::wire {

struct ScramSecret {
  ~ScramSecret() {
    wipe(stored_key);
    wipe(server_key);
  }

  uint32_t iterations = 0;
  std::string salt;  // raw bytes
  Digest stored_key{};
  Digest server_key{};

  bool operator==(const ScramSecret&) const = default;
};

// SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY, strictly; nothing otherwise.
std::optional<ScramSecret> parse_scram_secret(ByteView text);
std::string format_scram_secret(const ScramSecret& secret);

enum class SecretKind : uint8_t { plain, md5, scram };

struct Secret {
  ~Secret() { wipe(text); }

  SecretKind kind = SecretKind::plain;
  std::string text;                  // as it was stored
  std::optional<ScramSecret> scram;  // when of that kind
};

// "md5" and 32 lower-case hexadecimal digits, or a SCRAM secret; anything else is a plain password.
Secret parse_secret(ByteView text);

// Whether a clear-text password fits, in constant time. For a SCRAM secret this runs PBKDF2:
// offload it. An empty password never fits, nor does any when the secret asks for more than
// kMaxScramIterations. Throws PgError when md5 is needed and not available.
bool verify_password(const Secret& secret, ByteView user, ByteView password);

}  // namespace remuda::wire
