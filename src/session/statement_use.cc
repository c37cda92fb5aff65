// Bind, Describe, Execute and Close: what they refer to is provided, and named as the server knows
// it.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "asking.h"
#include "put_message.h"
#include "remuda/wire/reader.h"
#include "second_try.h"
#include "statement_message.h"
#include "unsettled.h"

namespace remuda::session {
namespace {

// The values of parameters in a Bind behind its names; none when they cannot be read.
std::vector<std::optional<ByteView>> bound_values(ByteView rest) {
  wire::Reader reader(rest);
  const size_t formats = reader.u16();
  reader.bytes(2 * formats);
  std::vector<std::optional<ByteView>> values(std::min<size_t>(reader.u16(), rest.size()));
  for (auto& value : values) {
    const int32_t size = reader.i32();
    if (size >= 0) value = reader.bytes(static_cast<size_t>(size));
  }
  if (!reader.ok()) values.clear();
  return values;
}

}  // namespace

// Sees to it that the server has what the name stands for. False: wait. A null statement: unknown,
// and refused.
bool StatementMessage::use(ByteView name, StatementRef& statement) {
  if (name.empty() ? is_unnamed_unsettled(server_) : is_unsettled(server_, name)) return false;
  StatementRef* known = name.empty() ? &own().unnamed.statement : find(name);
  if (!known || !*known) {
    refuse_unknown(name);
    return true;
  }
  StatementRef now = *known;
  if (!resolve_again(now, is_unnamed(name))) return false;
  *known = std::move(now);
  if (is_unnamed(name)) {
    use_unnamed(statement);
  } else if (!use_named(*known, statement)) {
    return false;
  }
  if (statement && !statement->mapping()) {
    server_.batch_deallocates |= ends_statements(statement->kind());
  }
  return true;
}

bool StatementMessage::use_named(StatementRef& known, StatementRef& statement) {
  if (known->body().empty()) {
    refuse_unkept();
    return true;
  }
  if (is_unsettled(server_, known->digest())) return false;
  if (!server_.statements.use(known->digest())) {
    if (!known->mapping()) renew_meaning(known);
    if (is_unsettled(server_, known->digest())) return false;
    provide(known);
  }
  statement = known;
  return true;
}

// The same for the unnamed statement, which is not renamed.
void StatementMessage::use_unnamed(StatementRef& statement) {
  StatementRef& unnamed = own().unnamed.statement;
  statement = unnamed;
  if (server_.unnamed.statement == unnamed) return;
  if (unnamed->body().empty()) {
    statement = {};
    return refuse_unkept();
  }
  // What it means on this server is up to the settings of now.
  if (!unnamed->mapping()) {
    renew_meaning(unnamed);
    statement = unnamed;
    if (server_.unnamed.statement == unnamed) return;
  }
  StatementChange change;
  change.statement = unnamed;
  replace_server_unnamed(change, unnamed);
  put_parse({}, unnamed->sent());
  ++walk_.counts().server_parses;
  ask(server_, Reply::parse, Action::swallow, std::move(change));
}

// What Execute will do. `rest` of the Bind is whole where that depends on it.
void StatementMessage::note_portal(ByteView portal, const StatementRef& statement, ByteView rest) {
  const bool follows = client_.follows_settings();
  Portal noted;
  if (statement->mapping() || (follows && statement->has_effect())) {
    noted.statement = statement;
    if (statement->needs_parameters()) {
      const TextRules rules = text_rules(*client_.parameters);
      noted.bound = bind_parameters(statement->effect().changes, bound_values(rest), rules);
    }
  } else if (server_.portals.empty()) {
    return;
  }
  if (!server_.portals.set(portal, std::move(noted)) && follows) server_.settings.lose();
}

bool StatementMessage::bind(ByteView portal, ByteView name, ByteView rest) {
  StatementRef statement;
  if (!use(name, statement)) return false;
  if (!statement) return true;
  note_portal(portal, statement, rest);
  if (!is_unnamed(name)) begin_recording(server_, statement, walk_.out());
  ask(server_, Reply::bind);
  if (is_unnamed(name)) {
    forward_as_it_is();
    return true;
  }
  if (!name.empty()) ++walk_.counts().binds;
  const size_t prefix = FrameWalk::kHeaderSize + portal.size() + 1 + name.size() + 1;
  const StatementName renamed = server_name(statement->digest());
  Egress& out = walk_.out();
  put_header(out, 'B', portal.size() + 1 + renamed.size() + 1 + size() - prefix);
  put_cstring(out, portal);
  put_cstring(out, view_of(renamed));
  walk_.take(header_, prefix, Body::forward);
  return true;
}

bool StatementMessage::describe(ByteView name) {
  StatementRef statement;
  if (!use(name, statement)) return false;
  if (!statement) return true;
  if (!is_unnamed(name)) begin_recording(server_, statement, walk_.out());
  server_.second_try.is_described = true;
  ask(server_, Reply::describe);
  if (is_unnamed(name)) {
    forward_as_it_is();
    return true;
  }
  put_reference(walk_.out(), 'D', statement->digest());
  swallow();
  return true;
}

bool StatementMessage::execute(ByteView portal) {
  Portal* const noted = server_.portals.find(portal);
  const bool is_mapped = noted && noted->statement->mapping();
  if (!noted || (is_mapped && noted->has_run)) {
    ask(server_, Reply::execute);
  } else if (is_mapped) {
    const bool prepares = noted->statement->kind() == StatementKind::prepare;
    noted->has_run = prepares ? run_prepare(noted->statement) : run_named(noted->statement);
    return noted->has_run;
  } else if (is_known_by_kind(noted->statement->kind())) {
    ask(server_, Owed{Reply::execute, Action::forward, false, noted->statement->kind()});
  } else {
    StatementChange change;
    QueryStep& step = change.steps.emplace_back();
    step.effect = noted->statement->effect();
    if (!noted->bound.empty()) step.effect.changes = noted->bound;
    ask(server_, Reply::execute, Action::forward, std::move(change));
  }
  forward_as_it_is();
  return true;
}

// The server keeps it for others, and for this client's next time.
bool StatementMessage::close(ByteView name) {
  if (is_unsettled(server_, name)) return false;
  StatementChange change;
  if (name.empty()) {
    change.client_unnamed = true;
    change.client_previous = own().unnamed.set({});
    change.client_version = own().unnamed.version;
  } else if (const auto at = own().named.find(name); at != own().named.end()) {
    change.client_removed = true;
    change.name = name;
    change.statement = std::move(at->second);
    own().named.erase(at);
  }
  ask(server_, Reply::close, Action::answer, std::move(change));
  swallow();
  return true;
}

}  // namespace remuda::session
