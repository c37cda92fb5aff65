// What a configuration file and its includes say, line by line in their order, as PgBouncer would
// understand it. Read with inih; where the two differ stands in ini_file.cc. Pure but for reading.
#pragma once

#include <string>
#include <vector>

#include "config/ini_source.h"
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

// Reads a file and what it includes (`%include FILE`, relative to the working directory). What
// cannot be understood is a fault; the rest is read all the same, but for the lines of unknown
// sections.
IniFile read_ini(const std::string& path, ReadFile read = read_from_disk);

}  // namespace remuda::config
