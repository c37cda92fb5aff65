#include "auth/ident_map.h"

#include "support/catch.h"
#include "unit/auth/hba_memory_files.h"

namespace remuda::auth::ident_map_test {
namespace {

using Messages = std::vector<std::string>;

struct Read {
  IdentMaps maps;
  Messages messages;
};

Read read_files(const MemoryFiles& files) {
  Read result;
  result.maps = IdentMaps::read("ident", hba_files(files), result.messages);
  return result;
}

bool allows(const std::string& line, const std::string& system, const std::string& user) {
  const Read result = read_files({{"ident", line}});
  CHECK(result.messages.empty());
  return result.maps.allows("m", system, user);
}

std::string fault_of(const std::string& line) {
  const Read result = read_files({{"ident", line}});
  CHECK(!result.maps.has("m"));
  REQUIRE(result.messages.size() == 1);
  const std::string start = "ident:1: ";
  const std::string end = "; the line is skipped";
  REQUIRE(result.messages[0].starts_with(start));
  REQUIRE(result.messages[0].ends_with(end));
  return result.messages[0].substr(start.size(),
                                   result.messages[0].size() - start.size() - end.size());
}

const std::string kWords = " (allowed: MAP SYSTEM-NAME DATABASE-USER)";

}  // namespace

TEST_CASE("a map has the lines of its name") {
  const Read result = read_files({{"ident",
                                   "# names\n"
                                   "m  alice  a\n"
                                   "n  alice  c\n"
                                   "m\talice\tb # too\n"
                                   "m \"the host.org\" \"a b\"\n"
                                   "o \"x\" all\n"}});
  CHECK(result.messages.empty());
  const IdentMaps& maps = result.maps;
  CHECK(maps.has("m"));
  CHECK(!maps.has("x"));
  CHECK(maps.allows("m", "alice", "a"));
  CHECK(maps.allows("m", "alice", "b"));
  CHECK(!maps.allows("m", "alice", "c"));
  CHECK(!maps.allows("m", "alice", "alice"));
  CHECK(!maps.allows("m", "Alice", "a"));
  CHECK(maps.allows("m", "the host.org", "a b"));
  CHECK(maps.allows("o", "x", "anybody"));
  CHECK(!maps.allows("o", "y", "anybody"));
  CHECK(!maps.allows("p", "alice", "a"));
  CHECK(!maps.allows("p", "alice", "alice"));
}

TEST_CASE("without a map names have to be equal") {
  const IdentMaps maps;
  CHECK(maps.allows("", "alice", "alice"));
  CHECK(!maps.allows("", "alice", "Alice"));
  CHECK(!maps.allows("", "alice", "alice2"));
}

TEST_CASE("all is a keyword for database users only, and not in quotes") {
  CHECK(allows("m x all", "x", "y"));
  CHECK(!allows("m x \"all\"", "x", "y"));
  CHECK(allows("m x \"all\"", "x", "all"));
  CHECK(!allows("m all y", "x", "y"));
}

TEST_CASE("regular expressions, and what they matched") {
  CHECK(allows("m /^(.*)@x$ \\1", "joe@x", "joe"));
  CHECK(!allows("m /^(.*)@x$ \\1", "joe@x", "jo"));
  CHECK(!allows("m /^(.*)@x$ \\1", "joe@y", "joe"));
  CHECK(allows("m /^(.*)@x$ p_\\1_q", "joe@x", "p_joe_q"));
  CHECK(allows("m /^.*@x$ guest", "joe@x", "guest"));
  CHECK(!allows("m /^.*@x$ guest", "joe@x", "joe"));
  CHECK(allows("m /@x all", "joe@x", "anybody"));
  CHECK(allows("m joe \"/^app_\"", "joe", "app_1"));
  CHECK(!allows("m joe \"/^app_\"", "joe", "my_app_1"));
}

TEST_CASE("what a name matched is never more than a name") {
  CHECK(!allows("m /^(.*)@x$ \\1", "all@x", "postgres"));
  CHECK(allows("m /^(.*)@x$ \\1", "all@x", "all"));
  CHECK(!allows("m /^(.*)@x$ \\1", "/.*@x", "postgres"));
  CHECK(!allows("m /^(.*)@x$ \\1", "+admins@x", "admins"));
  CHECK(!allows("m /^(.*)@x$ /\\1", ".*@x", "postgres"));
  CHECK(allows("m /^(.*)@x$ \\1", "\\1@x", "\\1"));
}

TEST_CASE("what is wrong with a line of an ident file") {
  CHECK(fault_of("m") == "the system name is missing" + kWords);
  CHECK(fault_of("m x") == "the database user is missing" + kWords);
  CHECK(fault_of("m x,y z") == "the database user is missing" + kWords);
  CHECK(fault_of(", m x") == "the name of the map is missing" + kWords);
  CHECK(fault_of("m x y z") == "there are more than three words" + kWords);
  CHECK(fault_of("\"\" x y") == "the name of the map is empty");
  CHECK(fault_of("m \"x y") == "a double quote is not closed");
  CHECK(fault_of("m x +g") == "\"+g\" names a group (allowed: a name, all, a regular expression)");
  CHECK(fault_of("m /x \\1") == "\\1 refers to parentheses that the system name does not have");
  CHECK(fault_of("m /x( y") == "a parenthesis is not closed in the regular expression");
  CHECK(fault_of("m x /y(") == "a parenthesis is not closed in the regular expression");
}

TEST_CASE("bad lines of an ident file are skipped, files are included") {
  const Read result =
      read_files({{"ident", "bad\nm a b\ninclude more"}, {"more", "m c d\ninclude none\nm e f"}});
  CHECK(result.messages ==
        Messages{"ident:1: the system name is missing" + kWords + "; the line is skipped",
                 "more:2: cannot read \"none\": No such file or directory; this line and all "
                 "below it are left out"});
  CHECK(result.maps.allows("m", "a", "b"));
  CHECK(result.maps.allows("m", "c", "d"));
  CHECK(!result.maps.allows("m", "e", "f"));
}

TEST_CASE("an ident file has so many lines at most") {
  std::string many;
  for (size_t i = 0; i <= kMaxHbaRules; ++i) many += "m a b\n";
  CHECK(read_files({{"ident", many}}).messages ==
        Messages{"ident:10001: too many lines, the rest is left out (allowed: 10000)"});
}

TEST_CASE("no ident file is no fault, a missing one is") {
  Messages messages;
  CHECK(!load_ident("", messages)->has("m"));
  CHECK(messages.empty());
  CHECK(!load_ident("/nonexistent/ident", messages)->has("m"));
  CHECK(messages == Messages{"cannot read \"/nonexistent/ident\": No such file or directory"});
}

}  // namespace remuda::auth::ident_map_test
