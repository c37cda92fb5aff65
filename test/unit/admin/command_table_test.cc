#include "admin/command_table.h"

#include <set>

#include "admin/commands.h"
#include "support/catch.h"

namespace remuda::admin::command_table_test {
namespace {

const Command* find(const char* text) {
  return find_command(parse_statement(text));
}

}  // namespace

TEST_CASE("a statement finds its command by its words", "[command_table]") {
  REQUIRE(find("show pools"));
  CHECK(find("show pools")->run == show_pools);
  CHECK(find("SELECT POOLS")->run == show_pools);
  CHECK(find("PAUSE")->run == remuda::admin::pause);
  CHECK(find("PAUSE db")->run == remuda::admin::pause);
  CHECK(find("kill_client 12")->run == kill_client);
  CHECK(find("SHUTDOWN")->run == shut_down_now);
  CHECK(find("shutdown wait_for_servers")->run == shut_down_after_servers);
  CHECK(find("SHUTDOWN WAIT_FOR_CLIENTS")->run == shut_down_after_clients);
  CHECK(find("SET a = 'b'")->run == remuda::admin::set);
  CHECK(find("show TimeZone")->run == show_parameter);
  CHECK(find("show fds")->privilege == Privilege::control);
  // These say themselves what is missing.
  CHECK(find("DISABLE")->run == disable);
  CHECK(find("KILL_CLIENT")->run == kill_client);
}

TEST_CASE("words that belong to no command find none", "[command_table]") {
  for (const char* text : {"show", "show nothing", "suspend all", "reload now", "set", "set a",
                           "shutdown please", "pools", "begin", "select one", "kil"}) {
    CAPTURE(text);
    CHECK(find(text) == nullptr);
  }
}

TEST_CASE("only SHOW and SET are open to everybody", "[command_table]") {
  std::set<std::string> open;
  for (const Command& command : commands()) {
    const std::string pattern = command.pattern;
    if (command.privilege == Privilege::show) open.insert(pattern.substr(0, pattern.find(' ')));
    CHECK(usage().find("\t" + pattern + " ") != std::string::npos);
    CHECK(std::string_view(command.help).size() > 5);
  }
  CHECK(open == std::set<std::string>{"SHOW", "SET"});
}

}  // namespace remuda::admin::command_table_test
