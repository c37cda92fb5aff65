#include "statement_messages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "asking.h"
#include "put_message.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"
#include "second_try.h"
#include "sql_names.h"
#include "statement_limits.h"
#include "typed_prepare.h"
#include "unsettled.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

using Body = FrameState::Body;

const Fault kNameTooLong{wire::sqlstate::kProgramLimitExceeded,
                         "name of a prepared statement or portal is too long"};
const Fault kMalformed{wire::sqlstate::kProtocolViolation, "invalid message format"};

constexpr size_t kHeaderSize = FrameWalk::kHeaderSize;
// Names are looked for among so many bytes.
constexpr size_t kMostNames = FrameWalk::kMaxWhole;
// Longer texts are not kept: as the unnamed statement they do not follow the client, under a name
// they are refused.
constexpr size_t kMostUnnamed = 1024 * 1024;
constexpr size_t kMostNamed = 16 * 1024 * 1024;
constexpr size_t kShownName = 200;
constexpr ByteView kFlush{"H\0\0\0\4", 5};

std::string shown(ByteView name) {
  std::string text(name.substr(0, kShownName));
  return '"' + text + '"';
}

void replace_server_unnamed(ServerView& server, StatementChange& change,
                            const StatementRef& statement) {
  change.server_unnamed = true;
  change.server_previous = server.unnamed.set(statement);
  change.server_version = server.unnamed.version;
}

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

struct Names {
  ByteView first;   // a portal in Bind and Execute
  ByteView second;  // the statement in Bind
  ByteView rest;
  bool are_there = false;
};

Names read_names(ByteView message) noexcept {
  const bool has_kind = message[0] == 'D' || message[0] == 'C';
  wire::Reader reader(message.substr(kHeaderSize));
  if (has_kind) reader.u8();
  Names names;
  names.first = reader.cstring();
  if (message[0] == 'B') names.second = reader.cstring();
  names.are_there = reader.ok();
  names.rest = reader.rest();
  return names;
}

// One message, and all that it is about.
class StatementMessage {
 public:
  StatementMessage(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                   ServerView& server, const Limits& limits)
      : walk_(walk), header_(header), client_(client), server_(server), limits_(limits) {
    if (!client.statements) client.statements = std::make_unique<ClientStatements>();
  }

  // False when the message has to wait for answers; nothing has been done then.
  bool take(const Names& names);
  // A Parse of which only the beginning is there.
  void take_unkept(bool is_without_name);

 private:
  bool parse(ByteView name, ByteView body);
  bool bind(ByteView portal, ByteView name, ByteView rest);
  bool describe(ByteView name);
  bool execute(ByteView portal);
  bool run_prepare(const StatementRef& statement);
  bool run_named(const StatementRef& statement);
  bool close(ByteView name);

  void refuse(const SqlState& state, const std::string& text, const std::string& detail = {});
  size_t size() const noexcept { return size_t{1} + header_.length; }
  ClientStatements& own() noexcept { return *client_.statements; }
  bool is_unnamed(ByteView name) const noexcept { return name.empty() && !limits_.prepare_unnamed; }
  StatementRef* find(ByteView name) noexcept;

  ParameterSet::Context context() const;
  StatementRef intern(ByteView body) const;
  StatementRef map(ByteView body, const SqlReference& reference, const StatementRef& target) const;
  bool resolve(ByteView body, StatementRef& statement);
  bool resolve_named(ByteView body, const SqlReference& reference, StatementRef& statement);
  bool resolve_again(StatementRef& known, bool is_unnamed);
  void provide_target(const StatementRef& statement);
  void provide(const StatementRef& statement);
  void renew_meaning(StatementRef& known) const;
  void replace_unnamed(StatementChange& change, const StatementRef& statement);
  void note_portal(ByteView portal, const StatementRef& statement, ByteView rest);
  bool is_aborted() const noexcept;
  bool parse_unnamed(ByteView body);
  bool use(ByteView name, StatementRef& statement);
  bool use_named(StatementRef& known, StatementRef& statement);
  void use_unnamed(StatementRef& statement);
  void refuse_unknown(ByteView name);
  void refuse_duplicate(ByteView name);
  void refuse_unkept();
  void evict();
  void drop(const StatementDigest& digest);
  void prepare(const StatementRef& statement, Action action, StatementChange change);
  void put_parse(ByteView name, ByteView body);
  void forward_as_it_is();
  void swallow() { walk_.take(header_, 0, Body::swallow); }

  FrameWalk& walk_;
  const FrameHeader& header_;
  ClientView& client_;
  ServerView& server_;
  const Limits& limits_;
  std::optional<StatementDigest> target_;  // of the statement in use: it is not evicted
};

ParameterSet::Context StatementMessage::context() const {
  return context_of(client_, server_);
}

StatementRef StatementMessage::intern(ByteView body) const {
  return limits_.statements->intern(body, context(), text_rules(*client_.parameters));
}

// For the client and, unless it is kept like a named one, on the server.
void StatementMessage::replace_unnamed(StatementChange& change, const StatementRef& statement) {
  change.client_unnamed = true;
  change.client_previous = own().unnamed.set(statement);
  change.client_version = own().unnamed.version;
  if (limits_.prepare_unnamed) return;
  replace_server_unnamed(server_, change, statement);
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

void StatementMessage::forward_as_it_is() {
  walk_.take(header_, 0, Body::forward);
}

// ---- PREPARE, EXECUTE and DEALLOCATE by SQL

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

// ---- Parse

// It is known that the transaction has failed, and nothing on its way can end it.
bool StatementMessage::is_aborted() const noexcept {
  if (server_.status != TransactionStatus::failed) return false;
  for (size_t i = 0; i < server_.pipeline.size(); ++i) {
    const Reply owed = server_.pipeline.at(i).reply;
    if (owed == Reply::query || owed == Reply::execute) return false;
  }
  return true;
}

bool StatementMessage::parse_unnamed(ByteView body) {
  StatementChange change;
  if (!resolve(body, change.statement)) return false;
  provide_target(change.statement);
  replace_unnamed(change, change.statement);
  const ByteView kept = change.statement->sent();
  const bool is_mapped = change.statement->mapping() != nullptr;
  ask(server_, Reply::parse, Action::forward, std::move(change));
  if (is_mapped || walk_.is_assembling()) {
    // What was collected may be longer than scratch.
    put_parse({}, kept);
    swallow();
  } else {
    forward_as_it_is();
  }
  return true;
}

// Without a name it works on this server only.
void StatementMessage::take_unkept(bool is_without_name) {
  if (!is_without_name || limits_.prepare_unnamed) {
    return refuse(wire::sqlstate::kProgramLimitExceeded,
                  "prepared statement is too long to be kept",
                  "At most 16 MiB can be, and any length without a name.");
  }
  StatementChange change;
  change.statement = limits_.statements->make_unkept();
  replace_unnamed(change, change.statement);
  ask(server_, Reply::parse, Action::forward, std::move(change));
  forward_as_it_is();
}

bool StatementMessage::parse(ByteView name, ByteView body) {
  if (is_unnamed(name)) return parse_unnamed(body);
  if (is_unsettled(server_, name)) return false;
  if (!name.empty() && find(name)) {
    refuse_duplicate(name);
    return true;
  }
  if (own().named.size() >= kMostStatements) {
    refuse(wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
    return true;
  }
  StatementRef statement;
  if (!resolve(body, statement) || is_unsettled(server_, statement->digest())) return false;
  provide_target(statement);
  StatementChange change;
  if (name.empty()) {
    replace_unnamed(change, statement);
  } else {
    change.client_added = true;
    change.name = name;
    own().named.emplace(change.name, statement);
    ++walk_.counts().client_parses;
  }
  if (!server_.statements.use(statement->digest())) {
    prepare(statement, Action::forward, std::move(change));
    swallow();
    return true;
  }
  change.statement = statement;
  const bool aborted = is_aborted();
  if (aborted) {
    // Whether it is refused for that, or may end the transaction, is the server's to say.
    replace_server_unnamed(server_, change, statement);
    put_parse({}, statement->sent());
    ++walk_.counts().server_parses;
  }
  ask(server_, Reply::parse, aborted ? Action::forward : Action::answer, std::move(change));
  swallow();
  return true;
}

// ---- Bind and Describe

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
  replace_server_unnamed(server_, change, unnamed);
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
  const size_t prefix = kHeaderSize + portal.size() + 1 + name.size() + 1;
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

// ---- Close

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

bool StatementMessage::take(const Names& names) {
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

// ---- What is there of a message

// How much of it has to be seen, at most.
size_t most_needed(const FrameHeader& header) noexcept {
  const size_t size = size_t{1} + header.length;
  return header.type == 'P' ? size : std::min(size, kMostNames);
}

// Whether what a Bind will do depends on its values.
bool needs_values(const ClientView& client, ByteView name) noexcept {
  if (!client.statements || !client.follows_settings()) return false;
  const ClientStatements& own = *client.statements;
  const auto at = own.named.find(name);
  if (!name.empty() && at == own.named.end()) return false;
  const StatementRef& statement = name.empty() ? own.unnamed.statement : at->second;
  return statement && statement->needs_parameters();
}

struct Gathered {
  ByteView message;
  bool is_enough = false;
  bool is_unkept = false;  // a Parse that is too long to be kept
};

// Of a Parse that is too long to keep only the first letter of its name matters.
Gathered gather_parse(FrameWalk& walk, const FrameHeader& header, const Limits& limits) {
  const size_t size = size_t{1} + header.length;
  Gathered gathered;
  if (size > kMostUnnamed) {
    gathered.message = walk.gather(header, kHeaderSize + 1);
    if (gathered.message.size() <= kHeaderSize) return gathered;
    // What has been collected already, under other limits, may be too much to be copied.
    const bool is_unnamed = gathered.message[kHeaderSize] == '\0' && !limits.prepare_unnamed;
    gathered.is_unkept = size > kMostNamed || (is_unnamed && gathered.message.size() <= kMostNames);
    gathered.is_enough = gathered.is_unkept;
    if (gathered.is_unkept) return gathered;
  }
  gathered.message = walk.gather(header, size);
  gathered.is_enough = gathered.message.size() == size;
  return gathered;
}

Gathered gather(FrameWalk& walk, const FrameHeader& header, const ClientView& client,
                const Limits& limits) {
  if (header.type == 'P') return gather_parse(walk, header, limits);
  const size_t size = size_t{1} + header.length;
  Gathered gathered;
  gathered.message = walk.gather(header, most_needed(header));
  gathered.is_enough = gathered.message.size() == size;
  if (gathered.is_enough || header.type != 'B' || gathered.message.size() < kHeaderSize) {
    return gathered;
  }
  const Names names = read_names(gathered.message);
  const bool is_bounded = size > FrameWalk::kMaxWhole;  // so long a value is not looked at
  gathered.is_enough = names.are_there && (is_bounded || !needs_values(client, names.second));
  return gathered;
}

bool is_about_portal(ByteView message) noexcept {
  return (message[0] == 'D' || message[0] == 'C') &&
         (message.size() <= kHeaderSize || message[kHeaderSize] != 'S');
}

Reply reply_to(char type) noexcept {
  return type == 'D' ? Reply::describe : Reply::close;
}

}  // namespace

Progress take_statement_message(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                                ServerView* server, const Limits& limits) {
  const Gathered gathered = gather(walk, header, client, limits);
  const ByteView message = gathered.message;
  if (!gathered.is_enough) {
    if (message.size() >= kMostNames && header.type != 'P') {
      return stop(walk, Need::fail, &kNameTooLong);
    }
    walk.keep(message);
    return stop(walk, Need::none);
  }
  client.in_query = client.in_transaction = true;
  if (!server) return stop(walk, Need::server);
  if (server->pipeline.full() || must_wait_for_answers(*server)) {
    ask_for_answers(walk, *server);
    return stop(walk, Need::room);
  }
  if (server->skipping) {
    walk.take(header, 0, Body::swallow);
    return stop(walk, Need::none);
  }
  StatementMessage about(walk, header, client, *server, limits);
  if (gathered.is_unkept) {
    about.take_unkept(message[kHeaderSize] == '\0');
    return stop(walk, Need::none);
  }
  if (is_about_portal(message)) {
    if (header.type == 'D') server->second_try.is_described = true;
    ask(*server, reply_to(header.type));
    walk.take(header, 0, Body::forward);
    return stop(walk, Need::none);
  }
  const Names names = read_names(message);
  if (!names.are_there) return stop(walk, Need::fail, &kMalformed);
  if (names.first.size() > kMostNames) return stop(walk, Need::fail, &kNameTooLong);
  return stop(walk, about.take(names) ? Need::none : Need::room);
}

void ask_for_answers(FrameWalk& walk, ServerView& server) noexcept {
  server.flushes_answers = server.pipeline.front().action == Action::answer;
  walk.out().copy(kFlush);
}

}  // namespace remuda::session
