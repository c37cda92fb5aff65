// The command line. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace remuda::daemon {

enum class Action { run, check_config, print_version, print_help, fail };

struct Arguments {
  Action action = Action::run;
  std::string config;  // path of the configuration file
  bool background = false;
  bool quiet = false;
  int verbose = 0;
  std::optional<std::string> user;
  std::string error;  // with Action::fail: what to print before the hint at --help
};

Arguments parse_arguments(const std::vector<std::string>& words);

std::string help_text(const std::string& program);
std::string version_text();

}  // namespace remuda::daemon
