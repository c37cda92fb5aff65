// The table of console commands: how one is written, who may run it, what runs it, what it does.
// Walking it finds a command and prints SHOW HELP. Control thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "admin/call.h"
#include "admin/statement.h"
#include "io/task.h"

namespace remuda::admin {

enum class Privilege : uint8_t { show, control };

struct Command {
  // "SHOW POOLS [db]", "SET key = value": capitals are typed as they are, the rest is an argument.
  const char* pattern;
  Privilege privilege;
  io::Task<std::string> (*run)(Call& call);
  const char* help;
};

std::span<const Command> commands();

// Null when there is none.
const Command* find_command(const Statement& statement);

// All patterns with their help, a line each.
std::string usage();

}  // namespace remuda::admin
