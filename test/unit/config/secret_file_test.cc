#include "config/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace remuda::config::secret_file_test {
namespace {

// A directory for one test.
class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string file(const std::string& content, mode_t mode = 0600) const {
    const std::string name = path_ + "/secret";
    std::ofstream(name, std::ios::trunc) << content;
    REQUIRE(chmod(name.c_str(), mode) == 0);
    return name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "remuda_secret_XXXXXX").string();
};

struct Result {
  std::string secret;
  std::string fault;
  std::vector<std::string> messages;
};

Result read(const std::string& path) {
  Result result;
  result.fault = read_secret_file(path, result.secret, result.messages);
  return result;
}

}  // namespace

TEST_CASE("one line end behind a secret is cut") {
  const Directory directory;
  const std::pair<const char*, const char*> cases[] = {
      {"pw", "pw"},       {"pw\n", "pw"},           {"pw\r\n", "pw"}, {"pw\n\n", "pw\n"},
      {"p w \n", "p w "}, {"one\ntwo", "one\ntwo"}, {"pw\r", "pw\r"}};
  for (const auto& [content, secret] : cases) {
    const Result result = read(directory.file(content));
    CHECK(result.fault.empty());
    CHECK(result.secret == secret);
    CHECK(result.messages.empty());
  }
}

TEST_CASE("a secret may be as long as one of the auth file") {
  const Directory directory;
  const std::string longest(kMaxSecret, 's');
  CHECK(read(directory.file(longest + "\r\n")).secret == longest);
  for (const std::string& content : {longest + "s", longest + "s\n", longest + longest}) {
    const std::string file = directory.file(content);
    const Result result = read(file);
    CHECK(result.fault == file + " is too long for a secret (allowed: 65530 bytes)");
    CHECK(result.secret.empty());
  }
}

TEST_CASE("what is no secret is a fault, and not shown") {
  const Directory directory;
  const std::string file = directory.path() + "/secret";
  CHECK(read(file).fault == "cannot read " + file + ": No such file or directory");
  CHECK(read(directory.path()).fault ==
        "cannot read " + directory.path() + ": it is no regular file");
  for (const char* content : {"", "\n", "\r\n"}) {
    CHECK(read(directory.file(content)).fault == file + " is empty");
  }
  const Result zero = read(directory.file(std::string("pw\0x", 4), 0644));
  CHECK(zero.fault == file + " has a zero byte");
  CHECK(zero.secret.empty());
  CHECK(zero.messages.empty());
}

TEST_CASE("a pipe is not waited for") {
  const Directory directory;
  const std::string pipe = directory.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read(pipe).fault == "cannot read " + pipe + ": it is no regular file");
}

TEST_CASE("a secret that others can read is told of") {
  const Directory directory;
  for (const mode_t mode : {0600u, 0400u, 0620u, 0611u}) {
    CHECK(read(directory.file("pw", mode)).messages.empty());
  }
  for (const mode_t mode : {0640u, 0604u, 0644u, 0666u}) {
    const std::string file = directory.file("pw", mode);
    CHECK(read(file).messages ==
          std::vector<std::string>{file + ": others can read this secret; chmod 600"});
    CHECK(is_readable_by_all(file) == (mode != 0640));
  }
  CHECK_FALSE(is_readable_by_all(directory.path() + "/none"));
}

}  // namespace remuda::config::secret_file_test
