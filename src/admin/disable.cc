#include "admin/catalog.h"
#include "admin/commands.h"

namespace remuda::admin {
namespace {

void set_disabled(Call& call, const char* word, const char* verb, bool disabled) {
  if (call.argument.empty()) throw PgError("a database is required");
  const auto database = named_database(call, verb, disabled);
  log_issued(word, call);
  database->disabled = disabled;
}

}  // namespace

Answer disable(Call& call) {
  set_disabled(call, "DISABLE", "disable", true);
  co_return done("DISABLE");
}

Answer enable(Call& call) {
  set_disabled(call, "ENABLE", "enable", false);
  co_return done("ENABLE");
}

}  // namespace remuda::admin
