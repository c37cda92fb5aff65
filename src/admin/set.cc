#include <fmt/core.h>

#include "admin/commands.h"
#include "remuda/base/text.h"
#include "remuda/wire/builder.h"

namespace remuda::admin {

Answer set(Call& call) {
  const std::string& key = call.argument;
  std::string out;
  if (is_dummy_parameter(key) || same_word(key, "extra_float_digits")) {
    wire::notice_response(out, "SET ignored");
    out += done("SET");
    co_return out;
  }
  if (!call.console.is_admin) throw PgError("admin access needed");
  std::string notice;
  if (!call.control.set(key, *call.value, notice)) throw PgError("SET failed");
  if (!notice.empty()) wire::notice_response(out, notice);
  out += done(fmt::format("SET {}={}", key, *call.value));
  co_return out;
}

}  // namespace remuda::admin
