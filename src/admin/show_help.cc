#include "admin/command_table.h"
#include "admin/commands.h"
#include "remuda/wire/builder.h"

namespace remuda::admin {

// No rows: the text is the detail of a notice, which every client prints.
Answer show_help(Call& call) {
  (void)call;
  std::string out;
  wire::MessageBuilder notice(out, 'N');
  notice.u8('S').cstring("NOTICE").u8('C').cstring("00000");
  notice.u8('M').cstring("Console usage").u8('D').cstring(usage()).u8(0);
  notice.finish();
  out += done("SHOW");
  co_return out;
}

}  // namespace remuda::admin
