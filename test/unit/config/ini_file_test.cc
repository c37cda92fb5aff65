// What a file means to PgBouncer, whatever inih would make of it.
#include "config/ini_file.h"

#include <map>

#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::config::ini_file_test {
namespace {

using Files = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

IniFile read(const Files& files) {
  return read_ini("main", [files](const std::string& path) {
    const auto at = files.find(path);
    if (at == files.end()) throw remuda::SystemError(ENOENT, path);
    return at->second;
  });
}

// "section/key=value" of every line, "[section]" of a header; there must be no fault.
Lines lines(const Files& files) {
  const IniFile file = read(files);
  for (const Fault& fault : file.faults) FAIL_CHECK(fault.text());
  Lines found;
  for (const IniLine& line : file.lines) {
    found.push_back(line.is_header ? "[" + line.section + "]"
                                   : line.section + "/" + line.key + "=" + line.value);
  }
  return found;
}

Lines lines(const std::string& text) {
  return lines(Files{{"main", text}});
}

Lines faults(const Files& files) {
  Lines found;
  for (const Fault& fault : read(files).faults) found.push_back(fault.text());
  return found;
}

Lines faults(const std::string& text) {
  return faults(Files{{"main", text}});
}

// The value that `key = text` has.
std::string value_of(const std::string& text) {
  const Lines found = lines("[users]\na = " + text + "\nb = after\n");
  REQUIRE(found.size() == 3);
  CHECK(found[2] == "users/b=after");
  REQUIRE(found[1].starts_with("users/a="));
  return found[1].substr(8);
}

}  // namespace

TEST_CASE("sections and pairs come in their order") {
  CHECK(lines("[databases]\na = x\n[remuda]\nlisten_port=1\n[databases]\nb\t=\ty\n[peers]") ==
        Lines{"[databases]", "databases/a=x", "[remuda]", "remuda/listen_port=1", "[databases]",
              "databases/b=y", "[peers]"});
  CHECK(lines("") == Lines{});
  CHECK(lines("\n  \n\t\n") == Lines{});
}

TEST_CASE("every line knows its file and number") {
  const IniFile file = read({{"main", "\n[users]\n; c\na=1\n%include other\nb=2\n"},
                             {"other", "\nc=" + std::string(900, 'x') + "\nd=4"}});
  std::vector<std::pair<std::string, int>> places;
  for (const IniLine& line : file.lines) places.emplace_back(line.file, line.line);
  CHECK(places == std::vector<std::pair<std::string, int>>{
                      {"main", 2}, {"main", 4}, {"other", 2}, {"other", 3}, {"main", 6}});
}

TEST_CASE("comments are whole lines, and nothing else is a comment") {
  CHECK(lines("# a = 1\n  ; b = 2\n[users]\n;c=3\n#d=4\ne=5") == Lines{"[users]", "users/e=5"});
  CHECK(value_of("password='a ;b' user=c") == "password='a ;b' user=c");
  CHECK(value_of("x ; y") == "x ; y");
  CHECK(value_of("x # y") == "x # y");
  CHECK(value_of(";x") == ";x");
  CHECK(value_of("#x") == "#x");
}

TEST_CASE("indentation means nothing") {
  CHECK(lines("  [users]\n   a = 1\n\tb = 2\n \t  c = 3\n  ; no\n  [peers]\n  d=4") ==
        Lines{"[users]", "users/a=1", "users/b=2", "users/c=3", "[peers]", "peers/d=4"});
}

TEST_CASE("values of every length arrive whole") {
  for (size_t size :
       {1, 39, 40, 41, 119, 120, 121, 190, 197, 198, 199, 200, 201, 399, 5000, 70000}) {
    INFO(size);
    std::string text;
    for (size_t i = 0; text.size() < size; ++i) text += "ab %;#c=:['"[i * 7 % 11];
    text.front() = text.back() = 'x';
    CHECK(value_of(text) == text);
    CHECK(value_of(std::string(size, '%')) == std::string(size, '%'));
    CHECK(value_of(std::string(size, 'z')) == std::string(size, 'z'));
  }
}

TEST_CASE("values may hold any byte but the end of the line and zero") {
  std::string text = "x";
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '\n') text += static_cast<char>(byte);
  }
  text += "x";
  CHECK(value_of(text) == text);
  CHECK(value_of("%41") == "%41");
  CHECK(value_of("[users]") == "[users]");
  CHECK(value_of("a=b:c") == "a=b:c");
  CHECK(value_of("'quoted'") == "'quoted'");
  CHECK(value_of("\"quoted\"") == "\"quoted\"");
  CHECK(value_of("").empty());
}

TEST_CASE("white space at the ends of a value is cut") {
  CHECK(value_of("  \t a  b \t ") == "a  b");
  CHECK(lines("[users]\r\na = 1\r\nb =\r\n") == Lines{"[users]", "users/a=1", "users/b="});
}

TEST_CASE("the last line needs no end, and a byte order mark is no name") {
  CHECK(lines("\xEF\xBB\xBF[users]\na=1") == Lines{"[users]", "users/a=1"});
}

TEST_CASE("names of every length arrive whole") {
  for (size_t size : {40, 41, 48, 49, 50, 51, 63, 64, 127, 128, 199, 200, 5000}) {
    INFO(size);
    const std::string name(size, 'n');
    CHECK(lines("[users]\n" + name + " = 1\n" + name + "2 = long ; " + name + "\n") ==
          Lines{"[users]", "users/" + name + "=1", "users/" + name + "2=long ; " + name});
  }
}

TEST_CASE("a name in single quotes may hold anything but a single quote") {
  CHECK(lines("[users]\n'a b' = 1\n'x=y;z' = 2\n' [q] ' = 3\n'%41'=4\n'plain'=5\n'\"'=6") ==
        Lines{"[users]", "users/a b=1", "users/x=y;z=2", "users/ [q] =3", "users/%41=4",
              "users/plain=5", "users/\"=6"});
  CHECK(lines("[databases]\n* = x\n*.a-b_C.9 = y") ==
        Lines{"[databases]", "databases/*=x", "databases/*.a-b_C.9=y"});
}

TEST_CASE("what is neither header nor pair is a fault, and the rest is read") {
  const std::string allowed = " (allowed: NAME = VALUE, an unusual name in single quotes)";
  CHECK(
      faults("[users]\nword\nb : 2\n= 3\n'' = 4\n'open = 5\n\"a\" = 6\n'a'b = 7\nnäme = 8\n%x\n") ==
      Lines{"main:2: syntax error" + allowed, "main:3: syntax error" + allowed,
            "main:4: syntax error" + allowed, "main:5: syntax error" + allowed,
            "main:6: syntax error" + allowed, "main:7: syntax error" + allowed,
            "main:8: syntax error" + allowed, "main:9: syntax error" + allowed,
            "main:10: syntax error" + allowed});
  const IniFile file = read({{"main", "[users]\na=1\nrubbish\nb=2"}});
  CHECK(file.faults.size() == 1);
  CHECK(file.lines.size() == 3);
}

TEST_CASE("an unknown section is one fault, and its lines are none") {
  const std::string allowed = " (allowed: [databases], [users], [peers], [remuda], [pgbouncer])";
  CHECK(faults("[nothing]\na = 1\nrubbish\n[users]\nb = 2") ==
        Lines{"main:1: [nothing]: unknown section" + allowed});
  CHECK(faults("[database]\n") ==
        Lines{"main:1: [database]: unknown section, did you mean [databases]?" + allowed});
  CHECK(faults("[Users]\n").size() == 1);
  CHECK(faults("[ users ]\n").size() == 1);
  CHECK(faults("[users\na = 1\n") == Lines{"main:1: syntax error (allowed: [section])"});
  const std::string name(100, 'n');
  CHECK(faults("[" + name + "]\n") ==
        Lines{"main:1: [" + name.substr(0, 60) + "...]: unknown section" + allowed});
}

TEST_CASE("behind a header there may be a comment or more") {
  CHECK(lines("[users] ; comment\n[peers]# comment\n[users] a = 1\n[peers][users]\n") ==
        Lines{"[users]", "[peers]", "[users]", "users/a=1", "[peers]", "[users]"});
}

TEST_CASE("a pair needs a section") {
  CHECK(faults("a = 1\n[users]\nb = 2") == Lines{"main:1: a: stands before any section"});
}

TEST_CASE("an included file stands in the place of its line") {
  CHECK(lines(Files{{"main", "[users]\na=1\n%include sub/x\nd=4\n"},
                    {"sub/x", "b=2\n  %include\ty  \n[peers]\nc=3"},
                    {"y", ""}}) ==
        Lines{"[users]", "users/a=1", "users/b=2", "[peers]", "peers/c=3", "peers/d=4"});
  CHECK(lines(Files{{"main", "%include file with blanks.ini\n"},
                    {"file with blanks.ini", "[users]\n"}}) == Lines{"[users]"});
}

TEST_CASE("a file that cannot be read is a fault") {
  CHECK(faults(Files{}) == Lines{"main: cannot be read: No such file or directory"});
  CHECK(faults(Files{{"main", "[users]\n%include no\n%include_no\n"}}).at(0) ==
        "main:2: %include: no: cannot be read: No such file or directory");
}

TEST_CASE("includes nest ten deep") {
  Files files{{"main", "[users]\n%include 1\n"}};
  for (int i = 1; i < 10; ++i) {
    files[std::to_string(i)] = "%include " + std::to_string(i + 1) + "\n";
  }
  files["10"] = "a=1\n";
  CHECK(lines(files) == Lines{"[users]", "users/a=1"});
  files["10"] = "%include 11\n";
  CHECK(faults(files) ==
        Lines{"10:1: %include: too many files inside each other (allowed: at most 10)"});
}

TEST_CASE("a file that includes itself comes to an end") {
  const Lines found = faults(Files{{"main", "%include main\n%include main\n"}});
  CHECK(found.size() == kMaxFaults + 1);
  CHECK(found.back().ends_with("too many faults, the rest was not read"));
  // No fault, but 3 to the power of ten files.
  Files files{{"10", ""}};
  for (int i = 0; i < 10; ++i) {
    const std::string line = "%include " + std::to_string(i + 1) + "\n";
    files[i == 0 ? "main" : std::to_string(i)] = line + line + line;
  }
  CHECK(faults(files).at(0).find("more than 1000 files") != std::string::npos);
}

TEST_CASE("lines and files have a largest size") {
  const std::string longest(kMaxIniLine - 4, 'x');
  CHECK(value_of(longest) == longest);
  CHECK(faults("[users]\na = " + longest + "x\nb=1\n") ==
        Lines{"main:2: line too long (allowed: at most 1048576 bytes)"});
  CHECK(faults(std::string(kMaxIniFile + 1, '\n')) ==
        Lines{"main: too large (allowed: at most 16777216 bytes, 33554432 with all includes)"});
}

TEST_CASE("a zero byte is a fault") {
  using namespace std::string_literals;
  CHECK(faults("[users]\na = x\0y\nb = 1\n"s) == Lines{"main:2: zero byte in the line"});
}

TEST_CASE("reading from disk tells what is wrong") {
  CHECK_THROWS_AS(read_from_disk("/"), remuda::SystemError);
  CHECK_THROWS_AS(read_from_disk("/no/such/file"), remuda::SystemError);
  CHECK(read_from_disk("/dev/null").empty());
  CHECK(read_from_disk("/dev/zero").size() > kMaxIniFile);
}

}  // namespace remuda::config::ini_file_test
