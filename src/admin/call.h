// One command of one console, while it runs. Lives in the frame of the task that runs it.
#pragma once

#include <optional>
#include <string>

#include "admin/console.h"
#include "admin/control.h"

namespace remuda::admin {

struct Call {
  Control& control;
  Consoles& consoles;
  Console& console;      // who asks
  std::string argument;  // empty if there is none
  std::string name;      // what SHOW is limited to; empty: nothing
  std::optional<std::string> value;
};

}  // namespace remuda::admin
