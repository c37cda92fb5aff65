// The lines of a configuration file and of what it includes, in order, with where they stand.
// Read by inih; this says what a line means where inih and PgBouncer differ (ini_file.cc).
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace remuda::config {

struct IniLine {
  std::string file;
  int line = 0;
  std::string section;
  bool is_header = false;  // the [section] line itself
  std::string key;
  std::string value;
};

struct IniFile {
  std::vector<IniLine> lines;
  std::vector<Fault> faults;
};

constexpr size_t kMaxIniFile = 16 * 1024 * 1024;
constexpr size_t kMaxIniLine = 1024 * 1024;
constexpr size_t kMaxIncludeDepth = 10;

// Reads a file and what it includes (`%include FILE`, relative to the working directory). What cannot
// be read is a fault; the rest is read all the same.
IniFile read_ini(const std::string& path);

}  // namespace remuda::config
