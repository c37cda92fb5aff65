#include "admin/command_table.h"
#include "admin/commands.h"
#include "remuda/wire/builder.h"

namespace remuda::admin {

// No rows: the text is the detail of a notice, which every client prints.
Answer show_help(Call& call) {
  (void)call;
  std::string out;
  wire::notice_response(out, "Console usage", usage());
  out += done("SHOW");
  co_return out;
}

}  // namespace remuda::admin
