#include "admin/commands.h"

#include "remuda/wire/builder.h"

namespace remuda::admin {

std::string done(std::string_view tag) {
  std::string out;
  wire::command_complete(out, tag);
  return out;
}

}  // namespace remuda::admin
