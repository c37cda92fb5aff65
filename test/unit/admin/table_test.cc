#include "admin/table.h"

#include "support/catch.h"

namespace remuda::admin::table_test {
using namespace std::string_literals;

namespace {

constexpr Column kColumns[] = {
    {"database", wire::oid::kText, Merge::key},  {"user", wire::oid::kText, Merge::key},
    {"count", wire::oid::kInt4, Merge::sum},     {"seconds", wire::oid::kInt4, Merge::max},
    {"micros", wire::oid::kInt4, Merge::follow}, {"mode", wire::oid::kText, Merge::first},
};

Row row(const char* database, const char* user, int count, int seconds, int micros,
        std::optional<std::string> mode) {
  return {text(database),  text(user),     number(count),
          number(seconds), number(micros), text_or_null(mode)};
}

}  // namespace

TEST_CASE("a table becomes a description, rows and a tag", "[table]") {
  constexpr Column kTwo[] = {{"key", wire::oid::kText}, {"n", wire::oid::kInt8}};
  Table table(kTwo);
  table.add({text("a"), number(-7)});
  table.add({null(), number(int64_t{1} << 40)});
  const std::string of_no_table = "\0\0\0\0\0\0"s;
  const std::string text_format = "\xff\xff\xff\xff\0\0"s;
  const std::string description = "T\0\0\0\x30\0\2"s + "key\0"s + of_no_table +
                                  "\0\0\0\x19\xff\xff"s + text_format + "n\0"s + of_no_table +
                                  "\0\0\0\x14\0\x08"s + text_format;
  const std::string rows = "D\0\0\0\x11\0\2\0\0\0\1a\0\0\0\2-7"s +
                           "D\0\0\0\x1b\0\2\xff\xff\xff\xff\0\0\0\x0d"s + "1099511627776"s;
  CHECK(table.messages() == description + rows + "C\0\0\0\x09SHOW\0"s);
}

TEST_CASE("rows of several workers with equal keys become one", "[table]") {
  Table table(kColumns);
  table.add({row("b", "x", 1, 0, 5, "session"), row("a", "y", 2, 1, 900, std::nullopt)});
  table.add({row("a", "x", 4, 0, 0, "session"), row("a", "y", 8, 2, 100, "statement")});
  table.add({row("a", "y", 16, 2, 300, "transaction")});
  table.merge();
  const std::vector<Row> expected = {row("a", "x", 4, 0, 0, "session"),
                                     row("a", "y", 26, 2, 300, "statement"),
                                     row("b", "x", 1, 0, 5, "session")};
  CHECK(table.rows() == expected);
}

TEST_CASE("a follower comes from the row that won on its left", "[table]") {
  // 1.9 s and 2.1 s: the longer wait is 2.1 s, not 2.9 s, in either order.
  for (const bool swapped : {false, true}) {
    std::vector<Row> rows = {row("a", "x", 0, 1, 900000, std::nullopt),
                             row("a", "x", 0, 2, 100000, std::nullopt)};
    if (swapped) std::swap(rows[0], rows[1]);
    Table table(kColumns);
    table.add(rows);
    table.merge();
    REQUIRE(table.rows().size() == 1);
    CHECK(table.rows()[0][3] == number(2));
    CHECK(table.rows()[0][4] == number(100000));
  }
}

TEST_CASE("numbers sort as numbers, and a table without keys keeps its rows", "[table]") {
  constexpr Column kById[] = {{"id", wire::oid::kInt4, Merge::key}};
  Table by_id(kById);
  for (const int id : {10, 9, 100}) by_id.add({number(id)});
  by_id.merge();
  CHECK(by_id.rows() == std::vector<Row>{{number(9)}, {number(10)}, {number(100)}});

  constexpr Column kPlain[] = {{"key", wire::oid::kText}};
  Table plain(kPlain);
  plain.add({text("b")});
  plain.add({text("a")});
  plain.add({text("b")});
  plain.merge();
  CHECK(plain.rows() == std::vector<Row>{{text("b")}, {text("a")}, {text("b")}});
}

}  // namespace remuda::admin::table_test
