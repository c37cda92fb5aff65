// Parse, Bind, Describe, Execute and Close of clients whose prepared statements follow them: names
// become the server's, what a server lacks is prepared in front of its use, what it has is not sent
// again. Used by the conversation only. PostgreSQL manual, Frontend/Backend Protocol: Extended
// Query.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"

namespace remuda::session {

inline bool follows_statements(const ClientView& client, const Limits& limits) noexcept {
  // When the limit becomes zero, a batch that has begun goes on as it did.
  return (limits.max_prepared_statements > 0 || client.statements) &&
         limits.statements != nullptr && client.release != Release::session;
}

// Execute only where one of the open portals has an effect.
inline bool is_about_statements(char type, const ServerView* server) noexcept {
  return type == 'P' || type == 'B' || type == 'D' || type == 'C' ||
         (type == 'E' && server && !server->portals.empty());
}

// The walk has room to rewrite. Need::none with the walk still assembling: more of the message is
// needed.
Progress take_statement_message(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                                ServerView* server, const Limits& limits);

// Need::room: has the server send the answers that make room, and ours told where they are next.
void ask_for_answers(FrameWalk& walk, ServerView& server) noexcept;

// Between two transactions a limit of zero ends the client's statements, as PgBouncer has it.
inline void heed_zero_limit(ClientView& client, const ServerView* server,
                            const Limits& limits) noexcept {
  if (limits.max_prepared_statements > 0 || !client.statements) return;
  if (!server && !client.in_transaction && !client.frame.assembly) client.statements.reset();
}

// Whether a Query would be skipped is known only when the batch it stands in has been answered.
inline bool is_inside_batch(const ServerView& server) noexcept {
  const Pipeline& pipeline = server.pipeline;
  return !pipeline.empty() && !ends_with_ready(pipeline.at(pipeline.size() - 1).reply) &&
         !server.copy_in;
}

// What statements there are is known only when the server has answered.
inline bool must_wait_for_answers(const ServerView& server) noexcept {
  return server.batch_deallocates && !server.pipeline.empty() && !server.copy_in;
}

}  // namespace remuda::session
