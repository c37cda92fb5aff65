// What a batch that is not answered yet decides about prepared statements: a message that refers to
// it has to wait for the answer, so that there is never a guess. Used by the conversation only.
#pragma once

#include "remuda/session/conversation.h"

namespace remuda::session {

// Whether the server has it.
bool is_unsettled(const ServerView& server, const StatementDigest& digest) noexcept;

// What a client's name stands for.
bool is_unsettled(const ServerView& server, ByteView name) noexcept;

// What the unnamed statement is: such a batch was the last to prepare it.
bool is_unnamed_unsettled(const ServerView& server) noexcept;

}  // namespace remuda::session
