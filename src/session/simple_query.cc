#include "simple_query.h"

#include <algorithm>
#include <utility>

#include "asking.h"
#include "put_message.h"
#include "sql_names.h"
#include "sql_statements.h"
#include "statement_messages.h"
#include "statement_undo.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

using Body = FrameState::Body;

// More statements in one text are not looked at.
constexpr size_t kMostSteps = 1000;
// With what is put in front of its statements a mapped text has to fit into scratch.
constexpr size_t kMostMapped = FrameWalk::kMaxWhole;

bool has_effect(const QueryStep& step) noexcept {
  const StatementEffect& effect = step.effect;
  return is_known_by_kind(effect.kind) || ends_statements(effect.kind) || !effect.text.empty() ||
         !effect.changes.empty() || step.is_ours || step.client_added;
}

class SimpleQuery {
 public:
  SimpleQuery(FrameWalk& walk, const FrameHeader& header, ClientView& client, ServerView& server,
              const Limits& limits, bool follows, bool is_gathered)
      : walk_(walk),
        header_(header),
        client_(client),
        server_(server),
        limits_(limits),
        follows_(follows),
        is_gathered_(is_gathered) {}

  // False: it has to wait for answers; nothing has been done then.
  bool take(ByteView text);
  // One that cannot be looked at.
  void take_unseen();

 private:
  bool take_steps(ByteView text);
  bool read_steps(ByteView text, MappedQuery& query, bool& waits);
  void ask(StatementKind kind, MappedQuery query);
  void forward();

  FrameWalk& walk_;
  const FrameHeader& header_;
  ClientView& client_;
  ServerView& server_;
  const Limits& limits_;
  const bool follows_;
  const bool is_gathered_;
};

void SimpleQuery::forward() {
  if (is_gathered_) {
    walk_.take(header_, 0, Body::forward);
  } else {
    walk_.forward(header_);
  }
}

// It ends the statement and the portal without names.
void SimpleQuery::ask(StatementKind kind, MappedQuery query) {
  if (client_.statements) client_.statements->unnamed.set({});
  if (server_.unnamed.statement) server_.unnamed.set({});
  if (!server_.portals.empty()) server_.portals.set({}, {});
  if (query.is_changed) {
    put_query(walk_.out(), query.sql);
    walk_.take(header_, 0, Body::swallow);
  } else {
    forward();
  }
  ask_last(server_, Owed{Reply::query, Action::forward, false, kind}, std::move(query.steps));
}

void SimpleQuery::take_unseen() {
  server_.batch_deallocates = true;
  ask(StatementKind::unseen, {});
}

bool SimpleQuery::take(ByteView text) {
  const StatementKind kind = statement_kind(text);
  if (may_hold_more(text)) return take_steps(text);
  if (kind == StatementKind::other || kind == StatementKind::empty || is_known_by_kind(kind)) {
    ask(kind, {});
    return true;
  }
  return take_steps(text);
}

bool SimpleQuery::take_steps(ByteView text) {
  MappedQuery query;
  bool waits = false;
  if (!read_steps(text, query, waits)) {
    undo_steps(server_, &client_, query.steps, 0);
    if (!waits) take_unseen();
    return !waits;
  }
  bool any = false;
  for (const QueryStep& step : query.steps) {
    any |= has_effect(step);
    server_.batch_deallocates |= step.effect.kind == StatementKind::deallocate_all ||
                                 step.effect.kind == StatementKind::discard_all;
  }
  if (!any && !query.is_changed) query.steps.clear();
  ask(StatementKind::other, std::move(query));
  return true;
}

// False when it has to wait, or cannot be followed.
bool SimpleQuery::read_steps(ByteView text, MappedQuery& query, bool& waits) {
  const TextRules rules = text_rules(*client_.parameters);
  SqlStatements statements(client_, server_, limits_);
  bool is_emptied = false;
  ByteView statement;
  while (next_statement(text, statement, rules.standard_strings)) {
    const StatementKind kind = statement_kind(statement);
    if (query.steps.size() >= kMostSteps) return false;
    // What there is behind such a statement is known only when it has been answered.
    if (is_emptied && names_statement(kind)) return false;
    is_emptied |= kind == StatementKind::deallocate_all || kind == StatementKind::discard_all;
    if (follows_ && kind == StatementKind::prepare && !client_.statements) {
      client_.statements = std::make_unique<ClientStatements>();
    }
    if (!follows_) {
      query.steps.emplace_back().effect = read_effect(kind, statement, rules);
    } else if (!statements.append(query, kind, statement)) {
      waits = true;
      return false;
    }
    if (query.is_changed && query.sql.size() > kMostMapped) return false;
  }
  return true;
}

}  // namespace

Progress take_simple_query(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                           ServerView* server, const Limits& limits, bool follows) {
  if (!client.simple_query_allowed) return stop(walk, Need::fail, &kSimpleQueryDisallowed);
  const size_t size = size_t{1} + header.length;
  ByteView message;
  if (size <= FrameWalk::kMaxWhole || walk.unread().size() >= size) {
    message = walk.gather(header, size);
    if (message.size() < size) {
      walk.keep(message);
      return stop(walk, Need::none);
    }
  }
  client.in_query = client.in_transaction = true;
  if (!server) return stop(walk, Need::server);
  if (server->pipeline.full()) {
    if (follows) ask_for_answers(walk, *server);
    return stop(walk, Need::room);
  }
  const bool is_gathered = !message.empty();
  if (server->skipping) {
    if (is_gathered) {
      walk.take(header, 0, Body::swallow);
    } else {
      walk.swallow(header);
    }
    return stop(walk, Need::none);
  }
  if (must_wait_for_answers(*server) || is_inside_batch(*server)) {
    ask_for_answers(walk, *server);
    return stop(walk, Need::room);
  }
  SimpleQuery query(walk, header, client, *server, limits, follows, is_gathered);
  if (!is_gathered) {
    query.take_unseen();
    return stop(walk, Need::none);
  }
  const ByteView body = message.substr(FrameWalk::kHeaderSize);
  const bool is_done = query.take(body.substr(0, body.find('\0')));
  return stop(walk, is_done ? Need::none : Need::room);
}

}  // namespace remuda::session
