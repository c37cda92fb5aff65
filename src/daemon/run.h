// The two things the program does besides talking about itself.
#pragma once

#include <string>

#include "daemon/arguments.h"

namespace remuda::daemon {

// Serves until told to stop. Returns the exit code.
int run(const Arguments& arguments);

// Prints every fault of a configuration file to stderr. Returns the exit code.
int check_config(const std::string& path);

}  // namespace remuda::daemon
