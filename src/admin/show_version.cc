#include <fmt/core.h>

#include "admin/commands.h"
#include "admin/table.h"
#include "proxy/version.h"

namespace remuda::admin {
namespace {
constexpr Column kVersionColumns[] = {{"version", wire::oid::kText}};
}

Answer show_version(Call& call) {
  (void)call;
  Table table(kVersionColumns);
  Row row = {text(fmt::format("PgBouncer {}", proxy::kPgBouncerVersion))};
  table.add(std::move(row));
  co_return table.messages();
}

}  // namespace remuda::admin
