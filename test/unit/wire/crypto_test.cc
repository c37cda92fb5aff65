#include "remuda/wire/crypto.h"

#include <fmt/format.h>

#include "cuts.h"
#include "support/catch.h"

namespace remuda::wire::crypto_test {
namespace {

using test::bytes_of;

std::string hex(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

TEST_CASE("SHA-256, vectors of FIPS 180") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("HMAC-SHA-256, keys as long as a block and longer; RFC 4231 case 6") {
  CHECK(hex(hmac_sha256(std::string(131, '\xaa'),
                        "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(hmac_sha256(std::string(64, 'k'), "m")) ==
        "3b7a8d453e76edb519238a515105a57508d0f169f480ebeee120a9e7803289fa");
  CHECK(hex(hmac_sha256(std::string(65, 'k'), "m")) ==
        "c2d7d4c2256ddb097409ec0c67e1d58fa1a007fc6932cac0d892a525d08af7cc");
}

TEST_CASE("HMAC-SHA-256, RFC 4231 case 2 and the empty key") {
  CHECK(hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256("", "")) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("PBKDF2-HMAC-SHA-256, first block of the RFC 7914 vector") {
  CHECK(hex(pbkdf2_sha256("passwd", "salt", 1)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
}

TEST_CASE("base64, RFC 4648") {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [data, text] : cases) {
    CHECK(base64_encode(data) == text);
    CHECK(base64_decode(text) == std::string(data));
  }
  CHECK(base64_decode("AAD/") == bytes_of("\0\0\xff"));
}

TEST_CASE("base64 that is not exactly right is refused") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v ", " Zm9v", "Zm9v\n",
                           "Zm8=Zm8=", "Zm-v", "Zh==", "Zm9=", "Z===", "Zm9v\xff\xff\xff\xff"}) {
    CHECK_FALSE(base64_decode(text));
  }
}

TEST_CASE("random bytes differ") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(32).size() == 32);
  CHECK(random_bytes(32) != random_bytes(32));
}

TEST_CASE("comparison of secrets") {
  CHECK(same_bytes("", ""));
  CHECK(same_bytes("abc", "abc"));
  CHECK_FALSE(same_bytes("abc", "abd"));
  CHECK_FALSE(same_bytes("abc", "ab"));
  CHECK_FALSE(same_bytes("", "a"));
}

TEST_CASE("wiping a string reaches all its buffer held") {
  std::string text = "a long secret that does not fit into the string object itself";
  const char* buffer = text.data();
  const size_t size = text.size();
  text.resize(3);
  wipe(text);
  REQUIRE(text.data() == buffer);
  CHECK(std::string(buffer, size) == std::string(size, '\0'));
  std::string scoped = "secret";
  { const WipeAtEnd wiped(scoped); }
  CHECK(scoped.empty());
}

TEST_CASE("a wiped secret is gone") {
  std::string text = "secret";
  wipe(text);
  CHECK(text.empty());
  Digest digest = sha256("x");
  wipe(digest);
  CHECK(digest == Digest{});
}

}  // namespace
}  // namespace remuda::wire::crypto_test
