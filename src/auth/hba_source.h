// The lines of an HBA or ident file and of all it includes, with where they stand. Lines that end
// in a backslash are joined with the next; blank lines and comments are left out. Files are read
// at start and reload, by the control thread, and wiped afterwards: they may hold LDAP passwords.
// PostgreSQL manual, The pg_hba.conf File.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace remuda::auth {

constexpr size_t kMaxHbaFile = 1024 * 1024;
constexpr size_t kMaxHbaTotal = 16 * kMaxHbaFile;  // with all files included
constexpr size_t kMaxHbaLine = 64 * 1024;
constexpr size_t kMaxHbaFiles = 1000;
constexpr size_t kMaxHbaDepth = 10;
constexpr size_t kMaxHbaRules = 10000;
constexpr size_t kMaxHbaMessages = 200;

// How to get at files. Both throw SystemError.
struct HbaFiles {
  std::function<std::string(const std::string& path)> read;
  std::function<std::vector<std::string>(const std::string& path)> list;  // names in a directory
};

HbaFiles hba_files_on_disk();

// What is wrong with a line, which is then skipped. Stays within the readers of these files.
class HbaFault : public std::runtime_error {
 public:
  explicit HbaFault(const std::string& what, std::string_view allowed = {});
};

// A word of a file as messages show it: cut off where it is long or might hold a secret.
std::string hba_shown(std::string_view word);

class HbaSource {
 public:
  // `messages` must outlive the source.
  HbaSource(const std::string& path, HbaFiles files, std::vector<std::string>& messages);
  ~HbaSource();
  HbaSource(const HbaSource&) = delete;
  HbaSource& operator=(const HbaSource&) = delete;

  // The next line that says something, without its include lines. False at the end of everything.
  // A file that cannot be included ends it too: it may have held rules that refuse.
  bool next(std::string& line);

  // Where the line that came last begins.
  const std::string& file() const noexcept { return file_; }
  int line() const noexcept { return line_; }
  // False if the main file could not be read.
  bool is_readable() const noexcept { return is_readable_; }

  // Adds "FILE:LINE: what" to the messages.
  void say(const std::string& what);
  // Leaves out all that follows.
  void stop() noexcept;

  // The path of a file that is named in another.
  static std::string path_beside(const std::string& file, const std::string& name);
  // The text of a file; counts towards the bounds. Throws HbaFault.
  std::string read(const std::string& path);

 private:
  struct Open {
    std::string path;
    std::string text;
    size_t at = 0;
    int line = 0;
    size_t depth = 0;
  };

  bool next_physical(std::string_view& line);
  bool next_joined(std::string& line);
  bool is_usable(const std::string& line);
  bool is_include(const std::string& line);
  void include(std::string_view directive, const std::string& name);
  void include_directory(const std::string& path, size_t depth);
  void open(const std::string& path, size_t depth, bool may_be_missing);
  std::string read_unless_missing(const std::string& path, bool& is_missing);
  void close() noexcept;

  const HbaFiles files_;
  std::vector<std::string>& messages_;
  std::vector<Open> open_;  // the file being read, on top of those to be read after it
  std::string file_;
  int line_ = 0;
  size_t depth_ = 0;
  size_t total_ = 0;
  size_t count_ = 0;
  size_t said_ = 0;
  bool is_readable_ = true;
};

}  // namespace remuda::auth
