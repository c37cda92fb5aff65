// md5 authentication, both sides. Where OpenSSL offers no MD5 (FIPS) all of it throws PgError
// 0A000. Pure; any thread. PostgreSQL manual, Frontend/Backend Protocol, Protocol Flow:
// AuthenticationMD5Password.
#pragma once

#include <cstddef>
#include <string>

#include "remuda/base/bytes.h"
#include "remuda/wire/secret.h"

namespace remuda::wire {

constexpr size_t kMd5SaltSize = 4;

// "md5" and the hexadecimal digest of password and user: what a server stores.
std::string md5_password_hash(ByteView password, ByteView user);

// What answers the challenge `salt`, from a plain or an md5 secret. The secret must not be a SCRAM
// one.
std::string md5_response(const Secret& secret, ByteView user, ByteView salt);

// Whether a client's answer is right, in constant time. With a SCRAM secret or an
// empty password it never is.
bool verify_md5_response(const Secret& secret, ByteView user, ByteView salt, ByteView response);

}  // namespace remuda::wire
