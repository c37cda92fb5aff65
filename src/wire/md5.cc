#include "remuda/wire/md5.h"

#include <openssl/evp.h>

#include "remuda/base/error.h"
#include "remuda/wire/crypto.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::wire {
namespace {

std::string md5_hex(ByteView data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), digest, &size, EVP_md5(), nullptr) != 1) {
    throw PgError(sqlstate::kFeatureNotSupported, "MD5 is not available");
  }
  std::string text;
  append_hex(text, {reinterpret_cast<const char*>(digest), size});
  return text;
}

std::string md5_of(ByteView first, ByteView second) {
  std::string data(first);
  data += second;
  std::string text = "md5" + md5_hex(data);
  wipe(data);
  return text;
}

}  // namespace

std::string md5_password_hash(ByteView password, ByteView user) {
  return md5_of(password, user);
}

std::string md5_response(const Secret& secret, ByteView user, ByteView salt) {
  REMUDA_CHECK(secret.kind != SecretKind::scram && salt.size() == kMd5SaltSize);
  std::string hash =
      secret.kind == SecretKind::md5 ? secret.text : md5_password_hash(secret.text, user);
  const WipeAtEnd wiped(hash);
  return md5_of(ByteView(hash).substr(3), salt);
}

bool verify_md5_response(const Secret& secret, ByteView user, ByteView salt, ByteView response) {
  if (secret.kind == SecretKind::scram || secret.text.empty()) return false;
  return same_bytes(response, md5_response(secret, user, salt));
}

}  // namespace remuda::wire
