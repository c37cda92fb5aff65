#include "admin/catalog.h"
#include "admin/commands.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {

Answer reload(Call& call) {
  log_issued("RELOAD", call);
  const bool changed = co_await call.control.reload();
  if (!changed) {
    throw PgError(wire::sqlstate::kConfigFileError,
                  "RELOAD failed, see logs for additional details");
  }
  co_return done("RELOAD");
}

}  // namespace remuda::admin
