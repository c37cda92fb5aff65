// What a server's answers make of changes to prepared statements: those it failed at or skipped are
// undone, those it forgot are gone. Used by the conversation only.
#pragma once

#include "remuda/session/conversation.h"

namespace remuda::session {

// The server has failed at the first of the n oldest changes, if `is_first_failed`, and skips the
// others. `client` is null if it has left.
void undo_changes(ServerView& server, ClientView* client, size_t n, bool is_first_failed);

// The server has no prepared statements any more, but for those it is about to be asked for.
void forget_statements(ServerView& server, ClientView* client);

// The same for the statements of a simple query behind those that were completed.
void undo_steps(ServerView& server, ClientView* client, const std::vector<QueryStep>& steps,
                size_t completed);

// A plan of this client's statements is out of date.
void renew_statements(ClientView& client) noexcept;

}  // namespace remuda::session
