// Files of a test, by path, instead of the disk.
#pragma once

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "auth/hba_source.h"
#include "remuda/base/error.h"

namespace remuda::auth {

using MemoryFiles = std::map<std::string, std::string>;

inline HbaFiles hba_files(const MemoryFiles& files) {
  const auto read = [files](const std::string& path) {
    const auto found = files.find(path);
    if (found == files.end()) throw SystemError(ENOENT, path);
    return found->second;
  };
  const auto list = [files](const std::string& path) {
    std::vector<std::string> names;
    for (const auto& [name, text] : files) {
      if (name.starts_with(path + "/")) names.push_back(name.substr(path.size() + 1));
    }
    if (names.empty()) throw SystemError(ENOENT, path);
    return names;
  };
  return {read, list};
}

}  // namespace remuda::auth
