#include "auth/hba_source.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::auth::hba_source_test {
namespace {

class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(path_.data())); }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "remuda_hba_XXXXXX").string();
};

}  // namespace

TEST_CASE("files of an HBA file come from the disk") {
  const Directory directory;
  const HbaFiles disk = hba_files_on_disk();
  CHECK(disk.read(directory.write("a.conf", "text")) == "text");
  CHECK(disk.read(directory.write("large", std::string(2 * kMaxHbaFile, 'x'))).size() ==
        kMaxHbaFile + 1);
  auto names = disk.list(directory.path());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"a.conf", "large"});
  CHECK_THROWS_AS(disk.read(directory.path()), SystemError);
  CHECK_THROWS_AS(disk.read(directory.path() + "/none"), SystemError);
  CHECK_THROWS_AS(disk.list(directory.path() + "/none"), SystemError);
}

TEST_CASE("lines of a directory of files") {
  const Directory directory;
  directory.write("b.conf", "\xEF\xBB\xBFthree\n");
  directory.write("a.conf", "one\n\ntwo\n");
  std::vector<std::string> messages;
  HbaSource source(directory.write("main", "include_dir ."), hba_files_on_disk(), messages);
  std::vector<std::string> lines;
  for (std::string line; source.next(line);) lines.push_back(line);
  CHECK(lines == std::vector<std::string>{"one", "two", "three"});
  CHECK(messages.empty());
}

TEST_CASE("words are shown without what may be a secret") {
  CHECK(hba_shown("word") == "word");
  CHECK(hba_shown("name=value") == "name...");
  CHECK(hba_shown(std::string(100, 'x')) == std::string(60, 'x') + "...");
  CHECK(hba_shown("a\033b") == "a?b");
}

}  // namespace remuda::auth::hba_source_test
