// A directory of a test, owned by the account its children run as, removed with the object.
#pragma once

#include <string>
#include <string_view>

namespace remuda::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Path of a file in it.
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Replaces a file's content in one step; the children's account owns the file and only it may read.
void write_file(const std::string& path, std::string_view content);

// Whole content, or nothing when there is no such file.
std::string read_file(const std::string& path);

}  // namespace remuda::test
