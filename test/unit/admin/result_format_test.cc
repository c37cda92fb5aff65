#include "admin/result_format.h"

#include "admin/table.h"
#include "unit/admin/fake_control.h"

namespace remuda::admin::result_format_test {
using namespace std::string_literals;

namespace {

constexpr Column kColumns[] = {{"t", wire::oid::kText},
                               {"i", wire::oid::kInt4},
                               {"q", wire::oid::kInt8},
                               {"n", wire::oid::kNumeric}};

std::string result_of(Row row) {
  Table table(kColumns);
  table.add(std::move(row));
  return table.messages();
}

std::vector<std::string> binary(Row row) {
  constexpr uint16_t kBinary[] = {1};
  return values_of(split(with_formats(result_of(std::move(row)), kBinary))[1]);
}

}  // namespace

TEST_CASE("each type has PostgreSQL's binary form", "[result_format]") {
  CHECK(binary({text("a"), number(-2), number(1), number(123450001)}) ==
        std::vector<std::string>{"a", "\xff\xff\xff\xfe"s, "\0\0\0\0\0\0\0\1"s,
                                 "\0\3\0\2\0\0\0\0\0\1\x09\x29\0\1"s});
  CHECK(binary({null(), null(), null(), number(0)}) ==
        std::vector<std::string>{"NULL", "NULL", "NULL", "\0\0\0\0\0\0\0\0"s});
  CHECK(binary({text(""), number(0), number(0), number(-7)})[3] == "\0\1\0\0\x40\0\0\0\0\7"s);
}

TEST_CASE("text stays as it is, and formats may differ by column", "[result_format]") {
  const std::string result = result_of({text("a"), number(1), number(2), number(3)});
  CHECK(with_formats(result, {}) == result);
  constexpr uint16_t kText[] = {0};
  CHECK(with_formats(result, kText) == result);
  constexpr uint16_t kMixed[] = {0, 1, 0, 0};
  CHECK(values_of(split(with_formats(result, kMixed))[1]) ==
        std::vector<std::string>{"a", "\0\0\0\1"s, "2", "3"});
  constexpr uint16_t kThree[] = {0, 0, 0};
  CHECK_THROWS_AS(with_formats(result, kThree), PgError);
  constexpr uint16_t kUnknown[] = {2};
  CHECK_THROWS_AS(with_formats(result, kUnknown), PgError);
}

}  // namespace remuda::admin::result_format_test
