#include "statement_message.h"

#include <algorithm>

#include "asking.h"
#include "put_message.h"
#include "remuda/wire/sqlstate.h"
#include "statement_limits.h"
#include "typed_prepare.h"
#include "unsettled.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

constexpr size_t kShownName = 200;

std::string shown(ByteView name) {
  std::string text(name.substr(0, kShownName));
  return '"' + text + '"';
}

}  // namespace

ParameterSet::Context StatementMessage::context() const {
  return context_of(client_, server_);
}

StatementRef StatementMessage::intern(ByteView body) const {
  return limits_.statements->intern(body, context(), text_rules(*client_.parameters));
}

StatementRef* StatementMessage::find(ByteView name) noexcept {
  const auto at = own().named.find(name);
  return at == own().named.end() ? nullptr : &at->second;
}

// Makes the server fail here, as it would have by itself, and tells the client in its own words.
void StatementMessage::refuse(const SqlState& state, const std::string& text,
                              const std::string& detail) {
  StatementChange change;
  change.error = error_message(state, text, detail);
  ask(server_, Reply::bind, Action::replace, std::move(change));
  Egress& out = walk_.out();
  put_header(out, 'B', 1 + kNowhere.size() + 1 + 6);
  put_cstring(out, "");
  put_cstring(out, kNowhere);
  out.copy(ByteView("\0\0\0\0\0\0", 6));
  swallow();
}

void StatementMessage::refuse_unknown(ByteView name) {
  if (is_unnamed(name)) {
    return refuse(wire::sqlstate::kUndefinedPreparedStatement,
                  "unnamed prepared statement does not exist");
  }
  own().complaint = "prepared statement did not exist";
  refuse(wire::sqlstate::kUndefinedPreparedStatement,
         "prepared statement " + shown(name) + " does not exist",
         "This prepared statement did not exist for this client: it was never prepared, or has "
         "been deallocated.");
}

void StatementMessage::refuse_duplicate(ByteView name) {
  own().complaint =
      "prepared statement '" + std::string(name.substr(0, kShownName)) + "' was already prepared";
  refuse(wire::sqlstate::kDuplicatePreparedStatement,
         "prepared statement " + shown(name) + " already exists");
}

void StatementMessage::refuse_unkept() {
  refuse(wire::sqlstate::kProgramLimitExceeded,
         "unnamed prepared statement is too long to be kept for later batches",
         "Send Parse and Bind in one batch, or prepare it under a name.");
}

void StatementMessage::put_parse(ByteView name, ByteView body) {
  Egress& out = walk_.out();
  put_header(out, 'P', name.size() + 1 + body.size());
  put_cstring(out, name);
  put_text(out, body);  // the change that is pushed with it keeps it alive
}

// Makes room for one more.
void StatementMessage::evict() {
  const ServerStatements::Order& order = server_.statements.order();
  const auto limit = static_cast<size_t>(std::max(limits_.max_prepared_statements, 1));
  for (size_t n = 0; n < kMostEvictions && order.size() >= limit; ++n) {
    const StatementDigest digest = order.back();
    if (digest == target_ || is_unsettled(server_, digest)) return;
    drop(digest);
  }
}

void StatementMessage::drop(const StatementDigest& digest) {
  server_.statements.remove(digest);
  put_reference(walk_.out(), 'C', digest);
  StatementChange change;
  change.server_removed = true;
  change.digest = digest;
  ask(server_, Reply::close, Action::swallow, std::move(change));
}

void StatementMessage::prepare(const StatementRef& statement, Action action,
                               StatementChange change) {
  evict();
  note_prepared(server_);
  change.server_added = true;
  change.digest = statement->digest();
  change.statement = statement;
  server_.statements.add(change.digest);
  put_parse(view_of(server_name(change.digest)), statement->sent());
  ++walk_.counts().server_parses;
  ask(server_, Reply::parse, action, std::move(change));
}

// In front of its use, if the server lacks it.
void StatementMessage::provide(const StatementRef& statement) {
  if (server_.statements.use(statement->digest())) return;
  if (statement->form() == Statement::Form::parse) return prepare(statement, Action::swallow, {});
  evict();
  note_prepared(server_);
  put_typed_prepare(walk_, server_, statement);
  ++walk_.counts().server_parses;
}

void StatementMessage::replace_server_unnamed(StatementChange& change,
                                              const StatementRef& statement) {
  change.server_unnamed = true;
  change.server_previous = server_.unnamed.set(statement);
  change.server_version = server_.unnamed.version;
}

void StatementMessage::forward_as_it_is() {
  walk_.take(header_, 0, Body::forward);
}

bool StatementMessage::take(const StatementNames& names) {
  switch (header_.type) {
    case 'P':
      return parse(names.first, names.rest);
    case 'B':
      return bind(names.first, names.second, names.rest);
    case 'D':
      return describe(names.first);
    case 'E':
      return execute(names.first);
    default:
      return close(names.first);
  }
}

}  // namespace remuda::session
