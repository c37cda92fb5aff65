// The lines of a file and of all it includes, with where they stand; blank lines and comments are
// left out. The files stay in memory until they are read through. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace remuda::config {

constexpr size_t kMaxIniFile = 16 * 1024 * 1024;
constexpr size_t kMaxIniTotal = 2 * kMaxIniFile;  // with all includes
constexpr size_t kMaxIniLine = 1024 * 1024;
constexpr size_t kMaxIncludeDepth = 10;
constexpr size_t kMaxFiles = 1000;
constexpr size_t kMaxFaults = 200;  // reading stops there

// How to get the text of a file. Throws SystemError.
using ReadFile = std::function<std::string(const std::string& path)>;

// From the file system, relative to the working directory.
std::string read_from_disk(const std::string& path);

// Without the white space at both ends.
std::string_view trim(std::string_view text) noexcept;

class IniSource {
 public:
  // `faults` must outlive the source.
  IniSource(const std::string& path, ReadFile read, std::vector<Fault>& faults);

  // The next line, trimmed; valid until the next call. False at the end of everything.
  bool next(std::string_view& line);

  // Where the line stands that came last.
  const std::string& file() const noexcept { return open_.back().path; }
  int line() const noexcept { return open_.back().line; }

  // Adds a fault of that line.
  void fault(std::string key, std::string what, std::string allowed = "");

 private:
  struct Open {
    std::string path;
    std::string text;
    size_t at = 0;
    int line = 0;
  };

  bool next_raw(std::string_view& line);
  bool is_usable(std::string_view raw);
  void include(const std::string& path);
  // What is wrong if the file cannot be opened, else nothing.
  std::string open(const std::string& path);

  const ReadFile read_;
  std::vector<Fault>& faults_;
  std::vector<Open> open_;  // the file being read, on top of those that include it
  size_t total_ = 0;
  size_t files_ = 0;
};

}  // namespace remuda::config
