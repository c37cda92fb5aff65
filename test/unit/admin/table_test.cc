#include "admin/table.h"

#include "support/catch.h"

using namespace std::string_literals;
using namespace remuda;
using namespace remuda::admin;

namespace {

constexpr Column kColumns[] = {
    {"database", wire::oid::kText, Merge::key}, {"user", wire::oid::kText, Merge::key},
    {"count", wire::oid::kInt4, Merge::sum},    {"seconds", wire::oid::kInt4, Merge::max},
    {"micros", wire::oid::kInt4, Merge::follow}, {"mode", wire::oid::kText, Merge::first},
};

Row row(const char* database, const char* user, int count, int seconds, int micros,
        std::optional<std::string> mode) {
  return {text(database),   text(user),     number(count),
          number(seconds), number(micros), text_or_null(mode)};
}

}  // namespace

TEST_CASE("a table becomes a description, rows and a tag", "[table]") {
  constexpr Column kTwo[] = {{"key", wire::oid::kText}, {"n", wire::oid::kInt8}};
  Table table(kTwo);
  CHECK(table.messages() ==
        "T\0\0\0\x33\0\2"
        "key\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
        "n\0\0\0\0\0\0\0\0\0\0\x14\0\x08\xff\xff\xff\xff\0\0"
        "C\0\0\0\tSHOW\0"s);
}
