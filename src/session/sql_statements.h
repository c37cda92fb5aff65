// PREPARE, EXECUTE and DEALLOCATE in a simple query: the same text with the server's names, and
// with what the server lacks prepared in front of its use. Used by the conversation only.
// PostgreSQL manual, SQL Commands: PREPARE, EXECUTE, DEALLOCATE.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remuda/session/conversation.h"

namespace remuda::session {

struct MappedQuery {
  std::string sql;
  std::vector<QueryStep> steps;  // one per statement of it
  bool is_changed = false;       // from what the client has sent
};

class SqlStatements {
 public:
  SqlStatements(ClientView& client, ServerView& server, const Limits& limits)
      : client_(client), server_(server), limits_(limits) {}

  // Appends the statement, changed where it has to be. False when it has to wait for answers: the
  // query must then be undone.
  bool append(MappedQuery& query, StatementKind kind, ByteView statement);

 private:
  bool prepare(MappedQuery& query, const std::string& name, ByteView tail);
  bool execute(MappedQuery& query, const std::string& name, ByteView tail);
  void deallocate(MappedQuery& query, const std::string& name);
  ParameterSet::Context context() const;
  StatementRef intern(ByteView tail);
  void add(MappedQuery& query, ByteView sql, QueryStep step);
  void note_blindness(const MappedQuery& query) noexcept;
  void make_room(MappedQuery& query);
  void add_drop(MappedQuery& query, const StatementDigest& digest);
  void add_ours(MappedQuery& query, const StatementRef& statement);
  void fail(MappedQuery& query, const SqlState& state, const std::string& text);

  ClientView& client_;
  ServerView& server_;
  const Limits& limits_;
};

}  // namespace remuda::session
