// How long the first request is among bytes of a client that no server has seen yet: one Query or
// FunctionCall, or the messages of the extended protocol up to and with a Sync. Pure; the bytes may
// come in pieces. PostgreSQL manual, Frontend/Backend Protocol, Message Flow.
#pragma once

#include <cstdint>
#include <optional>

#include "remuda/base/bytes.h"

namespace remuda::session {

// Its size in bytes; nothing while it is not complete, or when it is something else.
std::optional<size_t> first_request(ByteView bytes) noexcept;

}  // namespace remuda::session
