// Parses the arguments and runs the daemon.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "daemon/arguments.h"
#include "daemon/run.h"

int main(int argc, char** argv) {
  using remuda::daemon::Action;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const remuda::daemon::Arguments arguments = remuda::daemon::parse_arguments(words);
  switch (arguments.action) {
    case Action::print_version:
      std::fputs(remuda::daemon::version_text().c_str(), stdout);
      return 0;
    case Action::print_help:
      std::fputs(remuda::daemon::help_text(argv[0]).c_str(), stdout);
      return 0;
    case Action::fail:
      std::fprintf(stderr, "%s: %s\nTry \"%s --help\" for more information.\n", argv[0],
                   arguments.error.c_str(), argv[0]);
      return 1;
    case Action::check_config:
      return remuda::daemon::check_config(arguments.config);
    case Action::run:
      return remuda::daemon::run(arguments);
  }
  return 1;
}
