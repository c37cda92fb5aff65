// DEALLOCATE as drivers write it, to end one prepared statement. Pure.
// PostgreSQL manual, SQL Commands: DEALLOCATE.
#pragma once

#include <optional>
#include <string>

#include "remuda/base/bytes.h"

namespace remuda::session {

// The name in `DEALLOCATE [PREPARE] name`, as PostgreSQL reads it. Nothing for ALL, for any other
// text, and for what has comments or escapes in it.
std::optional<std::string> deallocated_name(ByteView sql);

}  // namespace remuda::session
