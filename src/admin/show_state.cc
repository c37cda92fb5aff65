#include "admin/commands.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

constexpr Column kColumns[] = {{"key", wire::oid::kText}, {"value", wire::oid::kText}};

Row line(const char* key, bool value) {
  return {text(key), text(value ? "yes" : "no")};
}

}  // namespace

Answer show_state(Call& call) {
  const bool paused = call.control.shared().ledgers.paused();
  const bool suspended = call.control.shared().suspended;
  Table table(kColumns);
  table.add(line("active", !paused && !suspended));
  table.add(line("paused", paused));
  table.add(line("suspended", suspended));
  co_return table.messages();
}

}  // namespace remuda::admin
