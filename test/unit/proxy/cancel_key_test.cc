#include "proxy/cancel_key.h"

#include "support/catch.h"

namespace remuda::proxy::cancel_key_test {

TEST_CASE("a secret is four bytes, a long one sixteen, and both are read back") {
  for (const bool is_long : {false, true}) {
    CancelKey key;
    key.pid = 0x01000002;
    make_secret(key, is_long);
    const std::string bytes = secret_bytes(key);
    CHECK(bytes.size() == (is_long ? 16 : 4));
    CHECK(to_cancel_key(key.pid, bytes) == key);
    CancelKey other = key;
    make_secret(other, is_long);
    CHECK(other != key);
    CHECK(other.pid == key.pid);
  }
}

TEST_CASE("a long secret is another than its beginning, and than one with a byte changed") {
  CancelKey key;
  make_secret(key, true);
  std::string bytes = secret_bytes(key);
  CHECK(to_cancel_key(key.pid, ByteView(bytes).substr(0, 4)) != key);
  for (char& byte : bytes) {
    byte = static_cast<char>(byte ^ 1);
    CHECK(to_cancel_key(key.pid, bytes) != key);
    byte = static_cast<char>(byte ^ 1);
  }
}

TEST_CASE("secrets of other lengths are none of ours") {
  for (const size_t size : {0, 3, 5, 8, 15, 17, 32, 256}) {
    CHECK_FALSE(to_cancel_key(1, std::string(size, 'x')));
  }
}

}  // namespace remuda::proxy::cancel_key_test
