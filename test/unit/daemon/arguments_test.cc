#include "daemon/arguments.h"

#include "support/catch.h"

namespace remuda::daemon::arguments_test {

TEST_CASE("a configuration file is all that is needed") {
  const Arguments arguments = parse_arguments({"my.ini"});
  CHECK(arguments.action == Action::run);
  CHECK(arguments.config == "my.ini");
  CHECK_FALSE(arguments.background);
}

TEST_CASE("options stand alone, together, and long") {
  const Arguments arguments = parse_arguments({"-dqv", "-v", "-u", "nobody", "my.ini"});
  CHECK(arguments.background);
  CHECK(arguments.quiet);
  CHECK(arguments.verbose == 2);
  CHECK(arguments.user == "nobody");
  CHECK(parse_arguments({"--user=ann", "x"}).user == "ann");
  CHECK(parse_arguments({"--user", "ann", "x"}).user == "ann");
  CHECK(parse_arguments({"-uann", "x"}).user == "ann");
  CHECK(parse_arguments({"--daemon", "x"}).background);
}

TEST_CASE("questions about the program need no file") {
  CHECK(parse_arguments({"-V"}).action == Action::print_version);
  CHECK(parse_arguments({"--help"}).action == Action::print_help);
  const Arguments check = parse_arguments({"--check-config", "my.ini"});
  CHECK(check.action == Action::check_config);
  CHECK(check.config == "my.ini");
}

TEST_CASE("what cannot be understood is said") {
  CHECK(parse_arguments({}).error == "no configuration file specified");
  CHECK(parse_arguments({"a", "b"}).error == "no configuration file specified");
  CHECK(parse_arguments({"-x", "a"}).error == "invalid option -- 'x'");
  CHECK(parse_arguments({"--nope", "a"}).error == "unrecognized option '--nope'");
  CHECK(parse_arguments({"-u"}).error == "option '-u' requires an argument");
}

TEST_CASE("version and help name what people look for") {
  // Scripts compare the first line with SHOW VERSION.
  CHECK(version_text().starts_with("PgBouncer 1.26.0\nremuda "));
  for (const char* word : {"--daemon", "--quiet", "--user", "--verbose", "--check-config"}) {
    CHECK(help_text("remuda").find(word) != std::string::npos);
  }
}

}  // namespace remuda::daemon::arguments_test
