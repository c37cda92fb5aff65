// From a file to a configuration, or to the list of all its faults.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/user_list.h"

namespace remuda::config {

// One thing wrong in a file. Line 0: the file as a whole.
struct Fault {
  std::string file;
  int line = 0;
  std::string key;  // may be empty
  std::string what;
  std::string allowed;  // may be empty

  // "FILE:LINE: KEY: what (allowed: ...)"
  std::string text() const;
};

struct Loaded {
  std::shared_ptr<const Config> config;  // null when there are faults
  std::shared_ptr<const UserList> users;
  std::vector<Fault> faults;
  std::vector<std::string> messages;  // worth a warning in the log, not faults
};

// A relative file name means the working directory, as in PgBouncer; a file that is not there is
// looked for beside the configuration.
std::string find_beside(const Config& config, const std::string& name);

// Reads the file, everything it includes, and the auth file.
Loaded load(const std::string& path);

// Reads the running configuration's file again (its `conffile`, if set). Settings that cannot
// change at run time keep their running value, each with a message; those whose default is NULL
// keep the last value when the file no longer has them.
Loaded reload(const Config& running, std::shared_ptr<const UserList> users);

}  // namespace remuda::config
