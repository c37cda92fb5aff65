#include "admin/statement.h"

#include "remuda/base/error.h"
#include "remuda/base/text.h"
#include "support/catch.h"

namespace remuda::admin::statement_test {
namespace {

std::string refusal(std::string_view text) {
  try {
    const Statement statement = parse_statement(text);
    return "taken as " + statement.word + " " + statement.argument;
  } catch (const PgError& error) {
    CHECK(error.sqlstate().view() == "08P01");
    return error.what();
  }
}

std::string invalid(std::string_view text) {
  return "invalid command '" + std::string(text) + "', use SHOW HELP;";
}

}  // namespace

TEST_CASE("a command is one word or two", "[statement]") {
  const char* kSpellings[] = {"SHOW pools",     "show pools;",      " \t\r\nsHoW \n pools ; ",
                              "SHOW \"pools\"", "\"show\" pools\t", "select pools"};
  for (const char* text : kSpellings) {
    CAPTURE(text);
    const Statement statement = parse_statement(text);
    CHECK(statement.word == "show");
    CHECK(statement.argument == "pools");
    CHECK_FALSE(statement.value);
  }
  CHECK(parse_statement("RELOAD").argument.empty());
  CHECK(parse_statement("RELOAD  ;").word == "reload");
  CHECK(parse_statement("PAUSE \"\"").argument.empty());
}

TEST_CASE("DISABLE and ENABLE take a host, with or without its port", "[statement]") {
  for (const char* text : {"DISABLE HOST pg-1.example:5432;", "enable host \"pg-1.example:5432\"",
                           "Disable Host 'pg-1.example:5432' ;"}) {
    CAPTURE(text);
    const Statement statement = parse_statement(text);
    CHECK(same_word(statement.argument, "host"));
    CHECK(statement.name == "pg-1.example:5432");
  }
  CHECK(parse_statement("DISABLE HOST /run/pg:5432").name == "/run/pg:5432");
  CHECK(parse_statement("DISABLE HOST [::1]:5432").name == "[::1]:5432");
  CHECK(parse_statement("DISABLE host").name.empty());
  CHECK(refusal("DISABLE HOST a b") == invalid("DISABLE HOST a b"));
  CHECK(refusal("PAUSE HOST a") == invalid("PAUSE HOST a"));
}

TEST_CASE("an argument keeps its case, and its doubled quotes become one", "[statement]") {
  CHECK(parse_statement("PAUSE My_Db2").argument == "My_Db2");
  CHECK(parse_statement("PAUSE \"a \"\"b\"\"; c\"").argument == "a \"b\"; c");
}

TEST_CASE("SET takes a word or a string", "[statement]") {
  struct Case {
    const char* text;
    const char* key;
    const char* value;
  };
  const Case kCases[] = {
      {"SET a=b", "a", "b"},    {"set A = 'b c';", "A", "b c"},
      {"SET a TO b", "a", "b"}, {" SET a to 'it''s' ; ", "a", "it's"},
      {"SET a=''", "a", ""},    {"SET \"a b\"=\"c \"\"d\"", "a b", "c \"d"},
      {"SET a= 30", "a", "30"}, {"SET to TO to", "to", "to"},
  };
  for (const Case& c : kCases) {
    CAPTURE(c.text);
    const Statement statement = parse_statement(c.text);
    CHECK(statement.word == "set");
    CHECK(statement.argument == c.key);
    CHECK(statement.value == c.value);
  }
}

TEST_CASE("anything else is an invalid command, told with its text as received", "[statement]") {
  const char* kTexts[] = {"",
                          " ",
                          ";",
                          "SHOW pools;;",
                          "SHOW pools; SHOW lists",
                          "SHOW pools lists more",
                          "PAUSE pools lists",
                          "SHOW po-ols",
                          "SHOW 'pools'",
                          "SHOW \"pools",
                          "SHOW\"pools\"",
                          "PAUSE a\"b\"",
                          "SET a = ",
                          "SET a b",
                          "SET a = b c",
                          "SET a = 'b",
                          "SET = b",
                          "SET a = b-c",
                          "SET a => b",
                          "SELECT 1 + 1",
                          "SHOW \xc3\xa4"};
  for (const char* text : kTexts) {
    CAPTURE(text);
    CHECK(refusal(text) == invalid(text));
  }
}

TEST_CASE("lengths are bounded", "[statement]") {
  const auto of = [](size_t n) { return std::string(n, 'x'); };
  CHECK(parse_statement(of(15)).word == of(15));
  CHECK(refusal(of(16)) == "bad arguments");
  CHECK(parse_statement("PAUSE " + of(63)).argument == of(63));
  CHECK(refusal("PAUSE " + of(64)) == "bad arguments");
  CHECK(parse_statement("PAUSE \"" + of(63) + "\"").argument == of(63));
  CHECK(refusal("SET " + of(64) + " = 1") == "bad arguments");
  CHECK(parse_statement("SET a='" + of(255) + "'").value == of(255));
  CHECK(refusal("SET a='" + of(256) + "'") == "bad arguments");
  CHECK(refusal("SET a=" + of(256)) == "bad arguments");
}

}  // namespace remuda::admin::statement_test
