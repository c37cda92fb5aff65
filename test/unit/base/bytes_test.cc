#include "remuda/base/bytes.h"

#include <string>

#include "support/catch.h"

namespace remuda::bytes_test {
namespace {

TEST_CASE("numbers are in network order") {
  CHECK(load_u16("\x01\x02") == 0x0102);
  CHECK(load_u32("\x01\x02\x03\x04") == 0x01020304u);
  CHECK(load_u16("\xff\xfe") == 0xfffe);
  CHECK(load_u32("\xff\xfe\xfd\xfc") == 0xfffefdfcu);
}

TEST_CASE("what is stored can be loaded, at any alignment") {
  char memory[8] = {};
  for (size_t at = 0; at < 4; ++at) {
    store_u32(memory + at, 0x80ff0001u);
    CHECK(load_u32(memory + at) == 0x80ff0001u);
    store_u16(memory + at, 0x8001);
    CHECK(load_u16(memory + at) == 0x8001);
  }
}

TEST_CASE("storing touches its own bytes only") {
  std::string memory = "......";
  store_u16(memory.data() + 2, 0x4142);
  CHECK(memory == "..AB..");
  store_u32(memory.data() + 1, 0x61626364);
  CHECK(memory == ".abcd.");
}

TEST_CASE("bytes in hexadecimal") {
  std::string text = "x";
  append_hex(text, ByteView("\x00\x0f\xa0\xff", 4));
  CHECK(text == "x000fa0ff");
  append_hex(text, "");
  CHECK(text == "x000fa0ff");
  CHECK(store_hex(text.data(), "A") == text.data() + 2);
  CHECK(text == "4100fa0ff");
}

}  // namespace
}  // namespace remuda::bytes_test
