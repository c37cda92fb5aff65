#include "admin/commands.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::admin {

// PgBouncer gives its descriptors to the process that takes over from it. Nobody takes over from
// us, and rows without descriptors would look as if somebody could.
Answer show_fds(Call& call) {
  (void)call;
  throw PgError(wire::sqlstate::kFeatureNotSupported,
                "SHOW FDS is not available: descriptors are not given to other processes");
  co_return std::string();
}

}  // namespace remuda::admin
