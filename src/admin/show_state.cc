#include "admin/commands.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

constexpr Column kStateColumns[] = {{"key", wire::oid::kText}, {"value", wire::oid::kText}};

Row yes_or_no(const char* key, bool value) {
  return {text(key), text(value ? "yes" : "no")};
}

}  // namespace

Answer show_state(Call& call) {
  const bool paused = call.control.shared().ledgers.paused();
  const bool suspended = call.control.shared().suspended;
  Table table(kStateColumns);
  table.add(yes_or_no("active", !paused && !suspended));
  table.add(yes_or_no("paused", paused));
  table.add(yes_or_no("suspended", suspended));
  co_return table.messages();
}

}  // namespace remuda::admin
