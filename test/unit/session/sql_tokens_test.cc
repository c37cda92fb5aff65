#include "remuda/session/sql_tokens.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace remuda::session::sql_tokens_test {
namespace {

using Kind = Token::Kind;
using Texts = std::vector<std::string>;

// Every token as written; one that is bad as "BAD".
Texts tokens_of(ByteView text, bool standard_strings = true) {
  Texts texts;
  SqlTokens tokens(text, standard_strings);
  while (true) {
    const Token token = tokens.next();
    if (token.kind == Kind::end) return texts;
    texts.emplace_back(token.kind == Kind::bad ? "BAD" : token.text);
  }
}

Token only(ByteView text, bool standard_strings = true) {
  SqlTokens tokens(text, standard_strings);
  const Token token = tokens.next();
  CHECK(tokens.next().kind == Kind::end);
  return token;
}

std::string decoded(ByteView text, bool standard_strings = true, bool utf8 = true) {
  return decode_string(only(text, standard_strings), utf8).value_or("NOTHING");
}

TEST_CASE("text is cut into words, numbers, strings and symbols") {
  CHECK(tokens_of("SET a.b='x',-1.5e-3 ; $1") ==
        Texts{"SET", "a", ".", "b", "=", "'x'", ",", "-", "1.5e-3", ";", "$1"});
  CHECK(tokens_of("a$1 \xc3\xbc_9") == Texts{"a$1", "\xc3\xbc_9"});
  CHECK(tokens_of("").empty());
  CHECK(tokens_of(" \t\r\n\f\v").empty());
  CHECK(only("$12").kind == Kind::parameter);
  CHECK(only("0x1F").kind == Kind::number);
  CHECK(only(".5").kind == Kind::number);
}

TEST_CASE("comments are blanks, and block comments nest") {
  CHECK(tokens_of("a--b\nc-- d") == Texts{"a", "c"});
  CHECK(tokens_of("a/* x /* y */ ; ' */b/**/") == Texts{"a", "b"});
  CHECK(tokens_of("a-/*x*/-b") == Texts{"a", "-", "-", "b"});
  CHECK(tokens_of("a /* b") == Texts{"a", "BAD"});
  CHECK(tokens_of("/* /* */ a") == Texts{"BAD"});
  CHECK(tokens_of("/*") == Texts{"BAD"});
  CHECK(tokens_of("/") == Texts{"/"});
  CHECK(tokens_of("/*/ a") == Texts{"BAD"});
}

TEST_CASE("a quote that is not closed ends the text") {
  for (const char* text : {"'a", "\"a", "E'a\\'", "$$a", "$x$ $y$", "'a''", "U&'a", "U&\"a"}) {
    CHECK(tokens_of(text) == Texts{"BAD"});
  }
}

TEST_CASE("what a backslash does depends on the kind of string") {
  CHECK(tokens_of("'a\\' ; b") == Texts{"'a\\'", ";", "b"});
  CHECK(tokens_of("'a\\' ; b'", false) == Texts{"'a\\' ; b'"});
  CHECK(tokens_of("e'a\\' ; b'") == Texts{"e'a\\' ; b'"});
  CHECK(tokens_of("N'a\\' b'", false) == Texts{"N'a\\' b'"});
  CHECK(tokens_of("B'1' x'F'") == Texts{"B'1'", "x'F'"});
  CHECK(tokens_of("date'x'") == Texts{"date", "'x'"});
}

TEST_CASE("strings on several lines are one") {
  CHECK(tokens_of("'a'\n 'b'") == Texts{"'a'\n 'b'"});
  CHECK(tokens_of("'a' -- '\n'b' 'c'") == Texts{"'a' -- '\n'b'", "'c'"});
  CHECK(tokens_of("'a' 'b'") == Texts{"'a'", "'b'"});
  CHECK(decoded("'a' -- it's\n  'b'") == "ab");
  CHECK(decoded("E'\\\\'\n'\\n'") == "\\\n");
}

TEST_CASE("dollar quotes end at their own tag") {
  CHECK(tokens_of("$a$ $$ $b$ ; ' $a$;") == Texts{"$a$ $$ $b$ ; ' $a$", ";"});
  CHECK(decoded("$$it's\\$$") == "it's\\");
  CHECK(decoded("$tag$$$") == "NOTHING");
  CHECK(decoded("$t_1$a$t_1$") == "a");
  CHECK(tokens_of("a$$b$$") == Texts{"a$$b$$"});  // part of the identifier
  CHECK(tokens_of("$ $") == Texts{"$", "$"});
}

TEST_CASE("strings are decoded to the byte") {
  CHECK(decoded("''").empty());
  CHECK(decoded("'it''s'") == "it's");
  CHECK(decoded("'a\\n'") == "a\\n");
  CHECK(decoded("'a\\n'", false) == "a\n");
  CHECK(decoded("E'\\b\\f\\n\\r\\t\\'\\\"\\q'") == "\b\f\n\r\t'\"q");
  CHECK(decoded("E'\\101\\x42\\x4a\\7'") == "ABJ\a");
  CHECK(decoded("E'\\u0041\\U0001F600\\u00fc'") == "A\xf0\x9f\x98\x80\xc3\xbc");
  CHECK(decoded("'\xc3\xbc'") == "\xc3\xbc");
}

TEST_CASE("what only the server can decode is not") {
  CHECK(decoded("E'\\xfc'") == "NOTHING");
  CHECK(decoded("E'\\374'") == "NOTHING");
  CHECK(decoded("E'\\u00fc'", true, false) == "NOTHING");
  CHECK(decoded("E'\\uD83D\\uDE00'") == "NOTHING");
  CHECK(decoded("E'\\0'") == "NOTHING");
  CHECK(decoded("U&'a'") == "NOTHING");
  CHECK(decoded("X'41'") == "NOTHING");
  CHECK(decoded("abc") == "NOTHING");
}

TEST_CASE("identifiers are folded, unquoted and cut") {
  CHECK(decode_identifier(only("ABC_x")) == "abc_x");
  CHECK(decode_identifier(only("\"A \"\"b\"")) == "A \"b");
  CHECK(decode_identifier(only(std::string(70, 'A'))) == std::string(63, 'a'));
  CHECK(!decode_identifier(only("\"" + std::string(70, '\xfc') + "\"")));
  CHECK(!decode_identifier(only("'a'")));
  CHECK(!decode_identifier(only("U&\"a\"")));
}

TEST_CASE("any bytes are cut without reading outside, and in a time that grows with them") {
  const std::string bytes = "aE'\"$\\;/*-\n 0.U&x\xff";
  uint32_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < round % 40; ++i) {
      random = random * 1664525 + 1013904223;
      text += bytes[(random >> 16) % bytes.size()];
    }
    const std::vector<char> exact(text.begin(), text.end());  // for the address sanitizer
    SqlTokens tokens({exact.data(), exact.size()}, round % 2 == 0);
    size_t count = 0;
    for (Token token = tokens.next(); token.kind != Kind::end; token = tokens.next()) {
      decode_string(token, true);
      decode_identifier(token);
      ++count;
    }
    CHECK(count <= text.size());
  }
}

}  // namespace
}  // namespace remuda::session::sql_tokens_test
