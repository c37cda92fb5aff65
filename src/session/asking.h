// What a message that is answered does to the server's view. Used by the conversation only.
#pragma once

#include <utility>

#include "remuda/session/conversation.h"

namespace remuda::session {

// While a server reads a COPY it ignores Sync; anything else that asks makes it fail the COPY, and
// whether that message is then answered depends on who was faster.
inline void ask(ServerView& server, Owed owed) {
  const Reply reply = owed.reply;
  if (server.copy_in) {
    if (reply == Reply::sync) {
      ++server.syncs_in_copy;
      return;
    }
    server.suspect = true;
  }
  if (server.skipping) {
    if (reply != Reply::sync) return;
    server.skipping = false;
  }
  const bool ends_batch = ends_with_ready(reply);
  if (ends_batch) {
    ++server.batch;
  } else {
    server.in_batch = true;
  }
  server.has_asked |= owed.action != Action::answer;
  server.may_set |= reply == Reply::query || reply == Reply::function || reply == Reply::execute;
  server.pipeline.push(owed);
}

inline void ask(ServerView& server, Reply reply, Action action = Action::forward) {
  ask(server, Owed{reply, action});
}

// The same with something that is undone if the server skips it.
inline void ask(ServerView& server, Owed owed, StatementChange change) {
  const bool is_ignored = owed.reply == Reply::sync ? server.copy_in : server.skipping;
  if (is_ignored) return ask(server, owed);
  change.batch = server.batch;
  server.changes.push(std::move(change));
  owed.has_change = true;
  ask(server, owed);
}

inline void ask(ServerView& server, Reply reply, Action action, StatementChange change) {
  ask(server, Owed{reply, action}, std::move(change));
}

// What ends a batch; what it may have done to prepared statements is known when it is answered.
inline void ask_last(ServerView& server, Owed owed, std::vector<QueryStep> steps = {}) {
  const bool forgets_all = std::exchange(server.batch_deallocates, false);
  if (!forgets_all && steps.empty()) return ask(server, owed);
  StatementChange change;
  change.forgets_all = forgets_all;
  change.steps = std::move(steps);
  ask(server, owed, std::move(change));
}

// A statement is given a name that stands for the settings as they are known now.
inline void note_prepared(ServerView& server) noexcept {
  server.is_prepared_blindly |= server.may_set;
  server.suspect |= server.has_stale_parameters;
}

// The head is answered.
inline void pop_answered(ServerView& server) noexcept {
  if (server.pipeline.front().has_change) server.changes.drop(1);
  server.pipeline.pop();
}

}  // namespace remuda::session
