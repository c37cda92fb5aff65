#include "admin/catalog.h"
#include "admin/commands.h"

namespace remuda::admin {

Answer reload(Call& call) {
  log_issued("RELOAD", call);
  const bool changed = co_await call.control.reload();
  if (!changed) {
    throw PgError(SqlState("F0000"), "RELOAD failed, see logs for additional details");
  }
  co_return done("RELOAD");
}

}  // namespace remuda::admin
