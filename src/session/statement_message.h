// One message about prepared statements, and all that it is about. Used by the conversation only
// (statement_messages.h): its parts are in statement_message.cc (what all of them need),
// statement_parse.cc, statement_use.cc (Bind, Describe, Execute, Close) and statement_mapping.cc
// (PREPARE, EXECUTE and DEALLOCATE by SQL in a Parse).
#pragma once

#include <optional>
#include <string>

#include "frame_walk.h"
#include "remuda/session/conversation.h"
#include "sql_names.h"

namespace remuda::session {

// What Parse, Bind, Describe, Execute and Close begin with.
struct StatementNames {
  ByteView first;   // a portal in Bind and Execute
  ByteView second;  // the statement in Bind
  ByteView rest;
  bool are_there = false;
};

class StatementMessage {
 public:
  StatementMessage(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                   ServerView& server, const Limits& limits)
      : walk_(walk), header_(header), client_(client), server_(server), limits_(limits) {
    if (!client.statements) client.statements = std::make_unique<ClientStatements>();
  }

  // False when the message has to wait for answers; nothing has been done then.
  bool take(const StatementNames& names);
  // A Parse of which only the beginning is there.
  void take_unkept(bool is_without_name);

 private:
  using Body = FrameState::Body;

  // ---- statement_message.cc
  size_t size() const noexcept { return size_t{1} + header_.length; }
  ClientStatements& own() noexcept { return *client_.statements; }
  // It is not kept like a named one.
  bool is_unnamed(ByteView name) const noexcept { return name.empty() && !limits_.prepare_unnamed; }
  StatementRef* find(ByteView name) noexcept;
  ParameterSet::Context context() const;
  StatementRef intern(ByteView body) const;
  void refuse(const SqlState& state, const std::string& text, const std::string& detail = {});
  void refuse_unknown(ByteView name);
  void refuse_duplicate(ByteView name);
  void refuse_unkept();
  void put_parse(ByteView name, ByteView body);
  void evict();
  void drop(const StatementDigest& digest);
  void prepare(const StatementRef& statement, Action action, StatementChange change);
  void provide(const StatementRef& statement);
  void replace_server_unnamed(StatementChange& change, const StatementRef& statement);
  void forward_as_it_is();
  void swallow() { walk_.take(header_, 0, Body::swallow); }

  // ---- statement_parse.cc
  bool parse(ByteView name, ByteView body);
  bool parse_unnamed(ByteView body);
  void replace_unnamed(StatementChange& change, const StatementRef& statement);
  bool is_aborted() const noexcept;

  // ---- statement_use.cc
  bool bind(ByteView portal, ByteView name, ByteView rest);
  bool describe(ByteView name);
  bool execute(ByteView portal);
  bool close(ByteView name);
  bool use(ByteView name, StatementRef& statement);
  bool use_named(StatementRef& known, StatementRef& statement);
  void use_unnamed(StatementRef& statement);
  void note_portal(ByteView portal, const StatementRef& statement, ByteView rest);

  // ---- statement_mapping.cc
  bool run_prepare(const StatementRef& statement);
  bool run_named(const StatementRef& statement);
  StatementRef map(ByteView body, const SqlReference& reference, const StatementRef& target) const;
  bool resolve(ByteView body, StatementRef& statement);
  bool resolve_named(ByteView body, const SqlReference& reference, StatementRef& statement);
  bool resolve_again(StatementRef& known, bool is_unnamed);
  void provide_target(const StatementRef& statement);
  void renew_meaning(StatementRef& known) const;

  FrameWalk& walk_;
  const FrameHeader& header_;
  ClientView& client_;
  ServerView& server_;
  const Limits& limits_;
  std::optional<StatementDigest> target_;  // of the statement in use: it is not evicted
};

}  // namespace remuda::session
