// A statement that SQL has prepared with parameter types, brought to a server that lacks it: a
// Parse could not name the types as it did, so the PREPARE itself is run. Used by the conversation
// only. PostgreSQL manual, SQL Commands: PREPARE.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"

namespace remuda::session {

// Of Statement::Form::sql, which the server has not. The client sees nothing of it, unless it
// fails.
void put_typed_prepare(FrameWalk& walk, ServerView& server, const StatementRef& statement);

}  // namespace remuda::session
