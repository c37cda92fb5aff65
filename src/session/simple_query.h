// A simple query of a client whose prepared statements or settings follow it: what its statements
// will do is read from its text, and PREPARE, EXECUTE and DEALLOCATE of one name are mapped to the
// server's names. Used by the conversation only. PostgreSQL manual, Message Flow: Simple Query.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"

namespace remuda::session {

// To a client that may not send any.
inline const Fault kSimpleQueryDisallowed{SqlState("08P01"), "PQexec disallowed"};

// `follows`: prepared statements do. The walk has room to rewrite. Need::none with the walk still
// assembling: more of the message is needed.
Progress take_simple_query(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                           ServerView* server, const Limits& limits, bool follows);

}  // namespace remuda::session
