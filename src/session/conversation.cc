#include "remuda/session/conversation.h"

#include "asking.h"
#include "walk_end.h"

namespace remuda::session {

const Fault kUnknownPacket{SqlState("08P01"), "unknown pkt"};
const Fault kStatementMode{SqlState("08P01"),
                           "transaction blocks not allowed in statement pooling mode"};
const Fault kInvalidParameter{SqlState("08P01"), "invalid server parameter"};
const Fault kInternalQueryFailed{SqlState("08P01"), "internal query failed"};
const Fault kServerProtocol{SqlState("08P01"), "server sent a reply that was not asked for"};
const Fault kAbandonedCopy{SqlState("08P01"), "client disconnect before its COPY"};

const Fault kBadHeader{SqlState("08P01"), "bad packet header"};

bool abandon(ServerView& server, bool& needs_sync) {
  // An unanswered replay of parameters: nobody would know what the server has.
  if (server.suspect || server.copy_in || is_internal(server.pipeline)) return false;
  // It does not know a COPY's end for one until it has begun.
  const size_t owed = server.pipeline.size();
  for (size_t i = 0; i < owed; ++i) {
    if (server.pipeline.at(i).reply == Reply::copy_end) return false;
  }
  const bool is_ended = owed > 0 && ends_with_ready(server.pipeline.at(owed - 1).reply);
  needs_sync = server.skipping || (server.in_batch && !is_ended);
  if (needs_sync) ask(server, Reply::sync);
  server.batch_deallocates = false;
  server.abandoned = true;
  return true;
}

void link(ClientView& client, ServerView& server) {
  if (!server.settings.is_on()) return;
  if (client.follows_settings()) {
    server.settings.link(client.settings, client.startup_settings);
  } else {
    server.settings.link_plain();
  }
}

void unlink(ClientView& client, ServerView& server) {
  if (!server.settings.is_followed()) return;
  client.settings = server.settings.unlink();
}

bool needs_replay(const ClientView& client, const ServerView& server) noexcept {
  return !(server.parameters == client.parameters) || server.settings.needs_replay();
}

std::string replay_sql(const ClientView& client, const ServerView& server) {
  std::string sql;
  if (server.settings.needs_replay()) {
    // A timeout of the client before must not end what is to undo it.
    if (server.settings.has()->find("statement_timeout")) sql = "SET statement_timeout=0;";
  }
  if (!(server.parameters == client.parameters)) {
    sql += replay_sql(*server.parameters, *client.parameters);
  }
  if (server.settings.needs_replay()) {
    sql += setting_replay_sql(*server.settings.has(), *server.settings.wants());
  }
  return sql;
}

void expect_internal_query(ServerView& server) {
  server.internal_failed = false;
  server.unnamed.set({});
  server.pipeline.push(Reply::query, Action::swallow);
}

}  // namespace remuda::session
