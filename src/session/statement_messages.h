// Parse, Bind, Describe and Close of clients whose prepared statements follow them: names become
// the server's, what a server lacks is prepared in front of its use, what it has is not sent again.
// Used by the conversation only. PostgreSQL manual, Frontend/Backend Protocol: Extended Query.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"

namespace remuda::session {

inline bool follows_statements(const ClientView& client, const Limits& limits) noexcept {
  // When the limit becomes zero, a batch that has begun goes on as it did.
  return (limits.max_prepared_statements > 0 || client.statements) &&
         limits.statements != nullptr && client.release != Release::session;
}

inline bool is_about_statements(char type) noexcept {
  return type == 'P' || type == 'B' || type == 'D' || type == 'C';
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

// A simple query so short may be a DEALLOCATE of one of the client's statements.
bool may_deallocate(const ClientView& client, const FrameHeader& header) noexcept;

// A simple query, before it is asked: it ends the unnamed statement, and perhaps all. `text` is as
// much of it as is there.
void note_query(ClientView& client, ServerView& server, ByteView text);

// The server has failed at the first of the n oldest changes, if `is_first_failed`, and skips the
// others. `client` is null if it has left.
void undo_changes(ServerView& server, ClientView* client, size_t n, bool is_first_failed);

// The server has no prepared statements any more, but for those it is about to be asked for.
void forget_statements(ServerView& server, ClientView* client);

// The server has failed at a query that would have ended a statement.
void keep_statement(ServerView& server, ClientView* client);

// A plan of this client's statements is out of date.
void renew_statements(ClientView& client) noexcept;

}  // namespace remuda::session
