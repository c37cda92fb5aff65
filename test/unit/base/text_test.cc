#include "remuda/base/text.h"

#include <cstdint>
#include <string>

#include "support/catch.h"

namespace remuda::text_test {
namespace {

TEST_CASE("words are the same whatever the case of their ASCII letters") {
  CHECK(same_word("Show", "sHOW"));
  CHECK(same_word("", ""));
  CHECK_FALSE(same_word("show", "shows"));
  CHECK_FALSE(same_word("@", "`"));
  CHECK_FALSE(same_word("\xc4", "\xe4"));
  CHECK_FALSE(same_word(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST_CASE("a number is all of its text") {
  CHECK(parse_number<int>("-12") == -12);
  CHECK(parse_number<uint16_t>("65535") == 65535);
  CHECK_FALSE(parse_number<uint16_t>("65536"));
  for (const char* text : {"", "+1", " 1", "1 ", "0x10", "1.0", "-", "-1"}) {
    INFO(text);
    CHECK_FALSE(parse_number<uint32_t>(text));
  }
}

}  // namespace
}  // namespace remuda::text_test
