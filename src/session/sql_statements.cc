#include "sql_statements.h"

#include <algorithm>
#include <utility>

#include "asking.h"
#include "put_message.h"
#include "remuda/wire/sqlstate.h"
#include "sql_names.h"
#include "statement_limits.h"
#include "unsettled.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

using Kind = StatementKind;

}  // namespace

void SqlStatements::add(MappedQuery& query, ByteView sql, QueryStep step) {
  if (!query.sql.empty()) query.sql += ';';
  query.sql += sql;
  query.steps.push_back(std::move(step));
}

// The query fails here, as it would have by itself, and the client is told in its own words.
void SqlStatements::fail(MappedQuery& query, const SqlState& state, const std::string& text) {
  QueryStep step;
  step.effect.kind = Kind::execute;
  step.error = error_message(state, text);
  add(query, "EXECUTE " + std::string(kNowhere), std::move(step));
}

ParameterSet::Context SqlStatements::context() const {
  return context_of(client_, server_);
}

StatementRef SqlStatements::intern(ByteView tail) {
  return intern_prepared(*limits_.statements, tail, context(), text_rules(*client_.parameters));
}

// What the statement means is up to those in front of it that are not answered.
void SqlStatements::note_blindness(const MappedQuery& query) noexcept {
  const bool follows_change =
      std::any_of(query.steps.begin(), query.steps.end(),
                  [](const QueryStep& step) { return !step.effect.changes.empty(); });
  note_prepared(server_);
  server_.is_prepared_blindly |= follows_change;
}

void SqlStatements::make_room(MappedQuery& query) {
  const ServerStatements::Order& order = server_.statements.order();
  const auto limit = static_cast<size_t>(std::max(limits_.max_prepared_statements, 1));
  for (size_t n = 0; n < kMostEvictions && order.size() >= limit; ++n) {
    const StatementDigest digest = order.back();
    if (is_unsettled(server_, digest)) return;
    add_drop(query, digest);
  }
}

void SqlStatements::add_drop(MappedQuery& query, const StatementDigest& digest) {
  QueryStep step;
  step.effect.kind = Kind::deallocate;
  step.is_ours = true;
  step.server_removed = server_.statements.remove(digest);
  step.digest = digest;
  add(query, deallocate_sql(digest), std::move(step));
}

// In front of its use.
void SqlStatements::add_ours(MappedQuery& query, const StatementRef& statement) {
  QueryStep step;
  step.effect.kind = Kind::prepare;
  step.is_ours = step.server_added = true;
  step.digest = statement->digest();
  step.statement = statement;
  make_room(query);
  note_blindness(query);
  server_.statements.add(step.digest);
  add(query, *prepare_sql(statement), std::move(step));
}

bool SqlStatements::prepare(MappedQuery& query, const std::string& name, ByteView tail) {
  ClientStatements& own = *client_.statements;
  if (own.named.find(name) != own.named.end()) {
    fail(query, wire::sqlstate::kDuplicatePreparedStatement,
         "prepared statement \"" + name + "\" already exists");
    return true;
  }
  if (own.named.size() >= kMostStatements) {
    fail(query, wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
    return true;
  }
  const StatementRef statement = intern(tail);
  const StatementDigest digest = statement->digest();
  if (is_unsettled(server_, digest)) return false;
  // Prepared again, for its text to be looked at in this transaction, and for the tag.
  if (server_.statements.use(digest)) {
    add_drop(query, digest);
  } else {
    make_room(query);
  }
  QueryStep step;
  step.effect.kind = Kind::prepare;
  step.client_added = step.server_added = true;
  step.name = name;
  step.digest = digest;
  step.statement = statement;
  own.named.emplace(name, statement);
  note_blindness(query);
  server_.statements.add(digest);
  add(query, *prepare_sql(statement), std::move(step));
  return true;
}

bool SqlStatements::execute(MappedQuery& query, const std::string& name, ByteView tail) {
  StatementRef& known = client_.statements->named.find(name)->second;
  if (is_unsettled(server_, known->digest())) return false;
  if (!server_.statements.use(known->digest()) && !known->mapping() &&
      known->context() != context()) {
    // Prepared now, it means what the settings of now make of it.
    const StatementRef before = known;
    const TextRules rules = text_rules(*client_.parameters);
    known = intern_again(*limits_.statements, before, context(), rules);
    if (is_unsettled(server_, known->digest())) return false;
  }
  if (!server_.statements.use(known->digest())) {
    if (!prepare_sql(known)) {
      fail(query, wire::sqlstate::kFeatureNotSupported,
           "prepared statement \"" + name +
               "\" has parameter types, so that EXECUTE cannot bring it to this server");
      return true;
    }
    add_ours(query, known);
  }
  QueryStep step;
  step.effect = effect_of_execute(*known, tail, text_rules(*client_.parameters));
  add(query, execute_sql(known->digest(), tail), std::move(step));
  return true;
}

// The server keeps it for others; the tag comes from one that has just been made up.
void SqlStatements::deallocate(MappedQuery& query, const std::string& name) {
  ClientStatements& own = *client_.statements;
  const std::string gone = "remuda_gone_" + std::to_string(server_.gone++);
  QueryStep made;
  made.effect.kind = Kind::prepare;
  made.is_ours = true;
  add(query, "PREPARE " + gone + " AS SELECT", std::move(made));
  QueryStep step;
  step.effect.kind = Kind::deallocate;
  step.client_removed = true;
  step.name = name;
  const auto at = own.named.find(name);
  step.statement = std::move(at->second);
  own.named.erase(at);
  add(query, "DEALLOCATE " + gone, std::move(step));
}

bool SqlStatements::append(MappedQuery& query, Kind kind, ByteView statement) {
  if (names_statement(kind) && client_.statements) {
    ByteView tail;
    const std::optional<std::string> name = statement_name(kind, statement, tail);
    if (name && is_unsettled(server_, *name)) return false;
    const auto& named = client_.statements->named;
    const bool is_known = name && named.find(*name) != named.end() &&
                          (kind != Kind::deallocate || deallocated_name(statement));
    query.is_changed |= is_known || (name && kind == Kind::prepare);
    if (name && kind == Kind::prepare) return prepare(query, *name, tail);
    if (is_known && kind == Kind::execute) return execute(query, *name, tail);
    if (is_known && kind == Kind::deallocate) {
      deallocate(query, *name);
      return true;
    }
  }
  QueryStep step;
  step.effect = read_effect(kind, statement, text_rules(*client_.parameters));
  add(query, statement, std::move(step));
  return true;
}

}  // namespace remuda::session
