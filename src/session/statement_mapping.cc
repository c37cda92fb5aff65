// PREPARE, EXECUTE and DEALLOCATE by SQL that come in a Parse: statements whose text names another.
#include <optional>
#include <utility>

#include "asking.h"
#include "remuda/wire/sqlstate.h"
#include "statement_limits.h"
#include "statement_message.h"
#include "unsettled.h"

namespace remuda::session {

// Prepared now, it means what the settings of now make of it; others must not be given that under
// the name of what it meant before.
void StatementMessage::renew_meaning(StatementRef& known) const {
  if (known->context() == context()) return;
  const StatementRef before = known;
  known = intern_again(*limits_.statements, before, context(), text_rules(*client_.parameters));
}

StatementRef StatementMessage::map(ByteView body, const SqlReference& reference,
                                   const StatementRef& target) const {
  const TextRules rules = text_rules(*client_.parameters);
  StatementMapping mapping{reference.name, target->digest(), {}, {}, {}};
  if (reference.kind == StatementKind::prepare) {
    mapping.target = target;
    mapping.body = prepare_sql(target).value_or("");
  } else if (reference.kind == StatementKind::execute) {
    mapping.body = execute_sql(mapping.digest, reference.tail);
    mapping.effect = effect_of_execute(*target, reference.tail, rules);
  } else {
    mapping.body = deallocate_sql(mapping.digest);
  }
  mapping.body += body.substr(body.find('\0'));
  return limits_.statements->intern(body, context(), rules, std::move(mapping));
}

// The statement of a Parse, as things are now. False when it has to wait.
bool StatementMessage::resolve(ByteView body, StatementRef& statement) {
  const TextRules rules = text_rules(*client_.parameters);
  const size_t end = body.find('\0');
  const auto reference =
      end == ByteView::npos ? std::nullopt : read_reference(body.substr(0, end), rules);
  if (!reference) {
    statement = intern(body);
    return true;
  }
  if (reference->kind != StatementKind::prepare) {
    return resolve_named(body, *reference, statement);
  }
  statement = map(body, *reference,
                  intern_prepared(*limits_.statements, reference->tail, context(), rules));
  return true;
}

bool StatementMessage::resolve_named(ByteView body, const SqlReference& reference,
                                     StatementRef& statement) {
  if (is_unsettled(server_, reference.name)) return false;
  StatementRef* const target = find(reference.name);
  if (!target) {
    statement = intern(body);
    return true;
  }
  if (is_unsettled(server_, (*target)->digest())) return false;
  if (!server_.statements.use((*target)->digest())) {
    if (!(*target)->mapping()) renew_meaning(*target);
    if (is_unsettled(server_, (*target)->digest())) return false;
  }
  statement = map(body, reference, *target);
  return true;
}

// What the name in it stands for may have changed since. False when it has to wait. Where the name
// is not known any more, its Execute will be refused.
bool StatementMessage::resolve_again(StatementRef& known, bool is_unnamed) {
  if (!names_statement(known->kind()) || known->body().empty()) return true;
  StatementRef now;
  if (!resolve(known->body(), now)) return false;
  if (known->mapping() && !now->mapping()) return true;
  if (!is_unnamed && is_unsettled(server_, now->digest())) return false;
  provide_target(now);
  known = now;
  return true;
}

// Servers look at what EXECUTE runs when they parse or bind it.
void StatementMessage::provide_target(const StatementRef& statement) {
  const StatementMapping* const mapping = statement->mapping();
  if (!mapping || mapping->target) return;
  const StatementRef* const target = find(mapping->name);
  if (!target || !((*target)->digest() == mapping->digest)) return;
  const StatementRef provided = *target;
  provide(provided);
  target_ = mapping->digest;
}

// EXECUTE and DEALLOCATE. What it names may have been ended, or evicted, since Bind. DEALLOCATE
// ends the server's copy, too.
bool StatementMessage::run_named(const StatementRef& statement) {
  const StatementMapping& mapping = *statement->mapping();
  if (is_unsettled(server_, mapping.name) || is_unsettled(server_, mapping.digest)) return false;
  const auto target = own().named.find(mapping.name);
  if (target == own().named.end() || !(target->second->digest() == mapping.digest)) {
    refuse_unknown(mapping.name);
    return true;
  }
  provide_target(statement);
  if (statement->kind() == StatementKind::execute && mapping.effect.changes.empty()) {
    ask(server_, Reply::execute);
    forward_as_it_is();
    return true;
  }
  StatementChange change;
  QueryStep& step = change.steps.emplace_back();
  if (statement->kind() == StatementKind::execute) {
    step.effect = mapping.effect;
  } else {
    step.effect.kind = StatementKind::deallocate;
    step.client_removed = true;
    step.name = mapping.name;
    step.digest = mapping.digest;
    step.statement = std::move(target->second);
    own().named.erase(target);
    step.server_removed = server_.statements.remove(step.digest);
  }
  ask(server_, Reply::execute, Action::forward, std::move(change));
  forward_as_it_is();
  return true;
}

// The server has what it makes under the name of its content, which it must not meet again.
bool StatementMessage::run_prepare(const StatementRef& statement) {
  const StatementMapping& mapping = *statement->mapping();
  if (is_unsettled(server_, mapping.name) || is_unsettled(server_, mapping.digest)) return false;
  if (find(mapping.name)) {
    refuse_duplicate(mapping.name);
    return true;
  }
  if (own().named.size() >= kMostStatements) {
    refuse(wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
    return true;
  }
  if (server_.statements.use(mapping.digest)) {
    drop(mapping.digest);
  } else {
    evict();
  }
  StatementChange change;
  QueryStep& step = change.steps.emplace_back();
  step.effect.kind = StatementKind::prepare;
  step.client_added = step.server_added = true;
  step.name = mapping.name;
  step.digest = mapping.digest;
  step.statement = mapping.target;
  own().named.emplace(step.name, step.statement);
  server_.statements.add(step.digest);
  note_prepared(server_);
  ask(server_, Reply::execute, Action::forward, std::move(change));
  forward_as_it_is();
  return true;
}

}  // namespace remuda::session
