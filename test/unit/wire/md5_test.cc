#include "remuda/wire/md5.h"

#include "support/catch.h"

namespace remuda::wire::md5_test {
namespace {

const ByteView kSalt("\x01\x02\x03\x04", 4);

TEST_CASE("the stored hash is over password and user together") {
  // printf 'secretbob' | md5sum
  CHECK(md5_password_hash("secret", "bob") == "md521f3163f8f86fa10bdefbfbd502a8f06");
  CHECK(md5_password_hash("secretb", "ob") == md5_password_hash("secret", "bob"));
  CHECK(md5_password_hash("", "") == "md5d41d8cd98f00b204e9800998ecf8427e");
}

TEST_CASE("the answer is over the stored hash and the salt") {
  const Secret plain = parse_secret("secret");
  const Secret stored = parse_secret(md5_password_hash("secret", "bob"));
  // printf '21f3163f8f86fa10bdefbfbd502a8f06\1\2\3\4' | md5sum
  CHECK(md5_response(plain, "bob", kSalt) == "md5f21dfe33ff3a9e03dbc3e008251fe5cc");
  CHECK(md5_response(stored, "bob", kSalt) == "md5f21dfe33ff3a9e03dbc3e008251fe5cc");
}

TEST_CASE("only the right answer is taken") {
  const Secret plain = parse_secret("secret");
  const Secret stored = parse_secret(md5_password_hash("secret", "bob"));
  const std::string answer = md5_response(plain, "bob", kSalt);
  for (const Secret& secret : {plain, stored}) {
    CHECK(verify_md5_response(secret, "bob", kSalt, answer));
    CHECK_FALSE(verify_md5_response(secret, "bob", "\5\5\5\5", answer));
    CHECK_FALSE(verify_md5_response(secret, "bob", kSalt, answer.substr(0, 34)));
    CHECK_FALSE(verify_md5_response(secret, "bob", kSalt, answer + "0"));
    CHECK_FALSE(verify_md5_response(secret, "bob", kSalt, ""));
    CHECK_FALSE(verify_md5_response(secret, "bob", kSalt, secret.text));
  }
  CHECK_FALSE(verify_md5_response(plain, "eve", kSalt, answer));
}

TEST_CASE("an empty password lets nobody in") {
  const Secret empty = parse_secret("");
  CHECK_FALSE(verify_md5_response(empty, "bob", kSalt, md5_response(empty, "bob", kSalt)));
}

TEST_CASE("a SCRAM secret answers no md5 challenge") {
  Secret scram;
  scram.kind = SecretKind::scram;
  scram.text = "SCRAM-SHA-256$...";
  CHECK_FALSE(verify_md5_response(scram, "bob", kSalt, "md5"));
}

TEST_CASE("a clear-text password fits its md5 hash for its own user only") {
  const Secret stored = parse_secret(md5_password_hash("secret", "bob"));
  CHECK(verify_password(stored, "bob", "secret"));
  CHECK_FALSE(verify_password(stored, "eve", "secret"));
}

}  // namespace
}  // namespace remuda::wire::md5_test
