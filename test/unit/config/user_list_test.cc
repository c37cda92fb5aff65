#include "config/user_list.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace remuda::config::user_list_test {
namespace {

using Entries = std::map<std::string, std::string>;
using Messages = std::vector<std::string>;

// Removed with the object. (support/temp_dir.h gives files away to another account.)
class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(path_.data())); }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "remuda_users_XXXXXX").string();
};

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::trunc) << content;
}

Entries entries(std::string_view text) {
  std::string problem;
  UserList list = UserList::parse(text, problem);
  CHECK(problem.empty());
  return list.entries();
}

// Entries in front of the broken line, and the problem.
std::pair<Entries, std::string> broken(std::string_view text) {
  std::string problem;
  UserList list = UserList::parse(text, problem);
  return {list.entries(), problem};
}

}  // namespace

TEST_CASE("names and secrets, one user a line") {
  CHECK(entries("") == Entries{});
  CHECK(entries("\"a\" \"x\"\n\"b\" \"y\"\n") == Entries{{"a", "x"}, {"b", "y"}});
  CHECK(entries("\"a\" \"x\"") == Entries{{"a", "x"}});
  CHECK(entries("\"a\"\t\"x\" more words \"\r\n\"b\"  \"y\"\r\n") ==
        Entries{{"a", "x"}, {"b", "y"}});
}

TEST_CASE("blank lines and comments are skipped") {
  CHECK(entries("\n  \n; \"no\" \"x\"\n\n\"a\" \"x\"\n \t ;\n") == Entries{{"a", "x"}});
}

TEST_CASE("two double quotes are one, a backslash is plain") {
  CHECK(entries("\"a\"\"b\" \"\"\"x\\\"\n") == Entries{{"a\"b", "\"x\\"}});
  CHECK(entries("\"a\" \"\"\n") == Entries{{"a", ""}});
}

TEST_CASE("the last of two equal names wins") {
  CHECK(entries("\"a\" \"x\"\n\"a\" \"y\"\n") == Entries{{"a", "y"}});
}

TEST_CASE("after a broken line reading stops, and what was read counts") {
  for (const char* line :
       {"a x", "\"b\"", "\"b", "\"b\" x", "\"b\" \"x", "\"b\"\"y\"", "# comment"}) {
    INFO(line);
    auto [list, problem] = broken(std::string("\"a\" \"x\"\n") + line + "\n\"c\" \"z\"\n");
    CHECK(list == Entries{{"a", "x"}});
    CHECK(problem == "broken auth file (line 2)");
  }
}

TEST_CASE("names and secrets have longest lengths") {
  std::string name(127, 'n');
  std::string secret(65530, 's');
  CHECK(entries("\"" + name + "\" \"" + secret + "\"\n") == Entries{{name, secret}});
  CHECK(broken("\"" + name + "n\" \"x\"").second == "username too long in auth file (line 1)");
  CHECK(broken("\"a\" \"" + secret + "s\"").second == "password too long in auth file (line 1)");
}

TEST_CASE("a name is found or not") {
  std::string problem;
  UserList list = UserList::parse("\"a\" \"x\"", problem);
  REQUIRE(list.find("a"));
  CHECK(*list.find("a") == "x");
  CHECK_FALSE(list.find("A"));
}

TEST_CASE("a file is read again only when it has changed") {
  Directory dir;
  std::string path = dir.file("users");
  Messages messages;
  write_file(path, "\"a\" \"x\"\n");
  auto first = load_user_list(path, nullptr, messages);
  CHECK(first->entries() == Entries{{"a", "x"}});
  CHECK(load_user_list(path, first, messages) == first);

  write_file(path, "\"a\" \"longer\"\n");
  auto second = load_user_list(path, first, messages);
  CHECK(second != first);
  CHECK(second->entries() == Entries{{"a", "longer"}});
  CHECK(messages == Messages{});
}

TEST_CASE("a user who is gone from the file stays known, without a secret") {
  Directory dir;
  std::string path = dir.file("users");
  Messages messages;
  write_file(path, "\"a\" \"x\"\n\"b\" \"y\"\n");
  auto list = load_user_list(path, nullptr, messages);
  write_file(path, "\"b\" \"new\"\n");
  list = load_user_list(path, list, messages);
  CHECK(list->entries() == Entries{{"a", ""}, {"b", "new"}});
  write_file(path, "\"a\" \"back again\"\n");
  list = load_user_list(path, list, messages);
  CHECK(list->entries() == Entries{{"a", "back again"}, {"b", ""}});
}

TEST_CASE("another file with the same content is read") {
  Directory dir;
  Messages messages;
  write_file(dir.file("one"), "\"a\" \"x\"\n");
  write_file(dir.file("two"), "\"a\" \"x\"\n");
  auto first = load_user_list(dir.file("one"), nullptr, messages);
  CHECK(load_user_list(dir.file("two"), first, messages) != first);
}

TEST_CASE("a file that cannot be read is told of and changes nothing") {
  Directory dir;
  Messages messages;
  auto none = load_user_list(dir.file("missing"), nullptr, messages);
  REQUIRE(none);
  CHECK(none->entries().empty());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0] ==
        "cannot read auth_file \"" + dir.file("missing") + "\": No such file or directory");

  write_file(dir.file("users"), "\"a\" \"x\"\n");
  auto list = load_user_list(dir.file("users"), none, messages);
  CHECK(load_user_list(dir.file("missing"), list, messages) == list);
  CHECK(load_user_list(dir.path(), list, messages) == list);
  CHECK(messages.size() == 3);
}

TEST_CASE("a broken file is told of with its path") {
  Directory dir;
  Messages messages;
  write_file(dir.file("users"), "\"a\" \"x\"\nrubbish\n");
  auto list = load_user_list(dir.file("users"), nullptr, messages);
  CHECK(list->entries() == Entries{{"a", "x"}});
  CHECK(messages == Messages{dir.file("users") + ": broken auth file (line 2)"});
}

TEST_CASE("no path gives no users") {
  Messages messages;
  auto list = load_user_list("", nullptr, messages);
  REQUIRE(list);
  CHECK(list->entries().empty());
  CHECK(messages.empty());
}

TEST_CASE("whether all secrets are SCRAM's") {
  const std::string scram = "\"SCRAM-SHA-256$4096:c2FsdA==$a:b\"\n";
  std::string problem;
  CHECK(UserList::parse("\"a\" " + scram + "\"b\" \"\"\n", problem).has_only_scram());
  CHECK_FALSE(UserList::parse("\"a\" " + scram + "\"b\" \"x\"\n", problem).has_only_scram());
  CHECK_FALSE(UserList::parse("\"a\" \"\"\n", problem).has_only_scram());
  CHECK_FALSE(UserList::parse("", problem).has_only_scram());
}

}  // namespace remuda::config::user_list_test
