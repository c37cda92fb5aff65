#include "auth/hba_pattern.h"

#include "auth/hba_source.h"
#include "support/catch.h"

namespace remuda::auth::hba_pattern_test {
namespace {

bool matches(const std::string& pattern, const std::string& name) {
  return HbaPattern(pattern).matches(name);
}

std::string fault_of(const std::string& pattern) {
  try {
    const HbaPattern compiled(pattern);
  } catch (const HbaFault& fault) {
    return fault.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a pattern is searched for in the name") {
  CHECK(matches("b", "abc"));
  CHECK(matches("^abc$", "abc"));
  CHECK(!matches("^b", "abc"));
  CHECK(!matches("^a$", "a\nb"));
  CHECK(!matches("ABC", "abc"));
  CHECK(matches("^(a|bc)+$", "abca"));
  CHECK(matches("^a{2,3}$", "aaa"));
  CHECK(!matches("^a{2,3}$", "aaaa"));
  CHECK(matches("^a{2,}$", "aaaa"));
  CHECK(matches("^a.c$",
                "a\xFF"
                "c"));
  CHECK(matches("^\xC3\xA4$", "\xC3\xA4"));
  CHECK(!matches("a", std::string(kMaxMatched + 1, 'a')));
}

TEST_CASE("escapes mean what they mean in PostgreSQL") {
  CHECK(matches("^\\d\\D\\w\\W\\s\\S$", "1a_- x"));
  CHECK(!matches("^\\w$", "-"));
  CHECK(matches("^a\\.b$", "a.b"));
  CHECK(!matches("^a\\.b$", "axb"));
  CHECK(matches("^\\<\\>\\'\\`\\/$", "<>'`/"));
  CHECK(matches("^\\\\\\{\\}}$", "\\{}}"));
}

TEST_CASE("escapes in brackets") {
  CHECK(posix_pattern("[\\d\\s]") == "[[:digit:][:space:]]");
  CHECK(matches("^[\\w\\-.]+$", "a-b.c_1"));
  CHECK(!matches("^[\\w\\-.]+$", "a\\b"));
  CHECK(matches("^[\\]\\[\\^\\\\]+$", "[^]\\"));
  CHECK(!matches("^[\\]\\[\\^\\\\]+$", "a"));
  CHECK(matches("^[\\^]$", "^"));
  CHECK(matches("^[\\^-]+$", "-^"));
  CHECK(matches("^[^\\d]$", "a"));
  CHECK(!matches("^[^\\d]$", "1"));
  CHECK(!matches("^[^\\^]$", "^"));
  CHECK(matches("^[]a-c-]+$", "]b-"));
  CHECK(matches("^[[:alpha:]_]+$", "a_"));
  CHECK(matches("^[-a]+$", "-a"));
}

TEST_CASE("what would mean something else is refused") {
  const std::string escapes = " (allowed: \\d, \\w, \\s, \\D, \\W, \\S and \\ before punctuation)";
  const std::string nothing_to_repeat =
      " has nothing to repeat in the regular expression (allowed: behind one character of ASCII, "
      "a bracket or a parenthesis; no *? and the like)";
  CHECK(fault_of("") == "the regular expression is empty");
  CHECK(fault_of("(a)\\1") == "\\1 in a regular expression is not supported" + escapes);
  CHECK(fault_of("\\ya") == "\\y in a regular expression is not supported" + escapes);
  CHECK(fault_of("a\\") == "the regular expression ends too early");
  CHECK(fault_of("(?i)a") == "(? in a regular expression is not supported");
  CHECK(fault_of("(a") == "a parenthesis is not closed in the regular expression");
  CHECK(fault_of("a)") == "a parenthesis is not opened in the regular expression");
  CHECK(fault_of("***:a") == "*" + nothing_to_repeat);
  CHECK(fault_of("a*?") == "?" + nothing_to_repeat);
  CHECK(fault_of("(|+)") == "+" + nothing_to_repeat);
  CHECK(fault_of("^*") == "*" + nothing_to_repeat);
  CHECK(fault_of("\xC3\xA4+") == "+" + nothing_to_repeat);
  CHECK(fault_of("a{x}") == "a repetition {} is malformed (allowed: numbers up to 255)");
  CHECK(fault_of("a{256}") == "a repetition {} is malformed (allowed: numbers up to 255)");
  CHECK(fault_of("a{3,2}") == "a repetition {} is malformed (allowed: {n}, {n,m})");
  CHECK(fault_of("a{2") == "the regular expression ends too early");
  CHECK(fault_of("[a") == "the regular expression ends too early");
  CHECK(fault_of("[\xC3\xA4]") == "only ASCII can stand in brackets of a regular expression");
  CHECK(fault_of("[\\b]") ==
        "an escape in brackets of a regular expression is not supported (allowed: \\d, \\w, \\s "
        "and \\ before punctuation)");
  CHECK(fault_of("[\\--a]") == "an escape cannot be the end of a range in a regular expression");
  CHECK(fault_of("[+-\\.]") == "an escape cannot be the end of a range in a regular expression");
  CHECK(fault_of("[[.a.]]") == "[. and [= in a regular expression are not supported");
  CHECK(fault_of("[[:alpha]") == "a class [: is not closed in the regular expression");
  CHECK(fault_of("[--a]") == "a range in a regular expression begins with - or ]");
  CHECK(fault_of("[[:none:]]").starts_with("the regular expression is malformed: "));
}

TEST_CASE("patterns are bounded") {
  CHECK(fault_of(std::string(kMaxPattern, 'a')) == "none");
  CHECK(fault_of(std::string(kMaxPattern + 1, 'a')) ==
        "the regular expression is too long (allowed: 512 bytes)");
  CHECK(fault_of("((a{255}){255}){255}") == "the regular expression repeats too much");
  CHECK(fault_of("a{255}" + std::string(20, 'a')) == "the regular expression repeats too much");
}

TEST_CASE("the first parentheses are given out") {
  std::string part = "old";
  CHECK(HbaPattern("^(.*)@x$").matches("joe@x", part));
  CHECK(part == "joe");
  CHECK(HbaPattern("a|(b)").matches("a", part));
  CHECK(part.empty());
  CHECK(!HbaPattern("^(.*)@x$").matches("joe@y", part));
  CHECK(HbaPattern("(a)").has_groups());
  CHECK(!HbaPattern("a").has_groups());
}

}  // namespace remuda::auth::hba_pattern_test
