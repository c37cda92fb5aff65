#include "statement_messages.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "asking.h"
#include "put_message.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"
#include "statement_limits.h"
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
// A text up to this size is copied, so that it is one run with what is put around it.
constexpr size_t kSmall = 1024;
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
  bool close(ByteView name);

  void refuse(const SqlState& state, const std::string& text, const std::string& detail = {});
  size_t size() const noexcept { return size_t{1} + header_.length; }
  ClientStatements& own() noexcept { return *client_.statements; }
  bool is_unnamed(ByteView name) const noexcept { return name.empty() && !limits_.prepare_unnamed; }
  StatementRef* find(ByteView name) noexcept;

  StatementRef intern(ByteView body);
  void replace_unnamed(StatementChange& change, const StatementRef& statement);
  void note_portal(ByteView portal, const StatementRef& statement, ByteView rest);
  bool is_aborted() const noexcept;
  void parse_unnamed(ByteView body);
  void parse_deallocate(const std::string& name, StatementRef known, ByteView body);
  bool use(ByteView name, StatementRef& statement);
  bool use_named(StatementRef& known, StatementRef& statement);
  void use_unnamed(StatementRef& statement);
  void refuse_unknown(ByteView name);
  void refuse_duplicate(ByteView name);
  void refuse_unkept();
  void refuse_unmovable();
  void evict();
  void prepare(const StatementRef& statement, Action action, StatementChange change);
  void put_parse(ByteView name, ByteView body);
  void forward_as_it_is();
  void swallow() { walk_.take(header_, 0, Body::swallow); }

  FrameWalk& walk_;
  const FrameHeader& header_;
  ClientView& client_;
  ServerView& server_;
  const Limits& limits_;
};

StatementRef StatementMessage::intern(ByteView body) {
  return limits_.statements->intern(body, context_of(client_, server_),
                                    text_rules(*client_.parameters));
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

void StatementMessage::refuse_unmovable() {
  refuse(wire::sqlstate::kFeatureNotSupported,
         "a statement prepared by SQL with parameter types cannot be bound on another server");
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
  if (body.size() <= kSmall) {
    out.copy(body);
  } else {
    out.forward(body);  // the change that is pushed with it keeps it alive
  }
}

// Makes room for one more.
void StatementMessage::evict() {
  const ServerStatements::Order& order = server_.statements.order();
  const auto limit = static_cast<size_t>(std::max(limits_.max_prepared_statements, 1));
  for (size_t n = 0; n < kMostEvictions && order.size() >= limit; ++n) {
    const StatementDigest digest = order.back();
    if (is_unsettled(server_, digest)) return;
    server_.statements.remove(digest);
    put_reference(walk_.out(), 'C', digest);
    StatementChange change;
    change.server_removed = true;
    change.digest = digest;
    ask(server_, Reply::close, Action::swallow, std::move(change));
  }
}

void StatementMessage::prepare(const StatementRef& statement, Action action,
                               StatementChange change) {
  evict();
  server_.is_prepared_blindly |= server_.may_set;
  server_.suspect |= server_.has_stale_parameters;
  change.server_added = true;
  change.digest = statement->digest();
  change.statement = statement;
  server_.statements.add(change.digest);
  put_parse(view_of(server_name(change.digest)), statement->body());
  ++walk_.counts().server_parses;
  ask(server_, Reply::parse, action, std::move(change));
}

void StatementMessage::forward_as_it_is() {
  walk_.take(header_, 0, Body::forward);
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

void StatementMessage::parse_unnamed(ByteView body) {
  StatementChange change;
  change.statement = intern(body);
  replace_unnamed(change, change.statement);
  const ByteView kept = change.statement->body();
  ask(server_, Reply::parse, Action::forward, std::move(change));
  if (walk_.is_assembling()) {
    // What was collected may be longer than scratch.
    put_parse({}, kept);
    swallow();
  } else {
    forward_as_it_is();
  }
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
  if (is_unnamed(name)) {
    const bool has_names = !own().named.empty() || !server_.changes.empty();
    const auto ended = has_names ? deallocated_name(body.substr(0, body.find('\0'))) : std::nullopt;
    if (ended && is_unsettled(server_, *ended)) return false;
    StatementRef* const known = ended ? find(*ended) : nullptr;
    if (known) {
      parse_deallocate(*ended, *known, body);
    } else {
      parse_unnamed(body);
    }
    return true;
  }
  if (is_unsettled(server_, name)) return false;
  if (!name.empty() && find(name)) {
    refuse_duplicate(name);
    return true;
  }
  if (own().named.size() >= kMostStatements) {
    refuse(wire::sqlstate::kProgramLimitExceeded, "too many prepared statements");
    return true;
  }
  const StatementRef statement = intern(body);
  if (is_unsettled(server_, statement->digest())) return false;
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
    put_parse({}, statement->body());
    ++walk_.counts().server_parses;
  }
  ask(server_, Reply::parse, aborted ? Action::forward : Action::answer, std::move(change));
  swallow();
  return true;
}

// ---- DEALLOCATE

// The server keeps it for others; what is ended there, if it ever is, has been made up for that.
void StatementMessage::parse_deallocate(const std::string& name, StatementRef known,
                                        ByteView body) {
  const std::string gone = "remuda_gone_" + std::to_string(server_.gone++);
  put_parse(gone, ByteView("SELECT\0\0\0", 9));
  ask(server_, Reply::parse, Action::swallow);
  StatementChange change;
  replace_unnamed(change, intern(body));
  change.client_removed = own().named.erase(name) > 0;
  change.name = name;
  change.statement = std::move(known);
  put_parse({}, "DEALLOCATE " + gone + std::string(3, '\0'));
  ask(server_, Reply::parse, Action::forward, std::move(change));
  swallow();
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
  if (is_unnamed(name)) {
    use_unnamed(statement);
  } else if (!use_named(*known, statement)) {
    return false;
  }
  if (statement) server_.batch_deallocates |= ends_statements(statement->kind());
  return true;
}

bool StatementMessage::use_named(StatementRef& known, StatementRef& statement) {
  if (known->body().empty()) {
    refuse_unkept();
    return true;
  }
  if (is_unsettled(server_, known->digest())) return false;
  if (!server_.statements.use(known->digest())) {
    if (known->form() != Statement::Form::parse) {
      refuse_unmovable();
      return true;
    }
    // Prepared now, it means what the settings of now make of it; others must not be given that
    // under the name of what it meant before.
    if (known->context() != context_of(client_, server_)) {
      const StatementRef before = known;
      known = intern(before->body());
    }
    if (is_unsettled(server_, known->digest())) return false;
    if (!server_.statements.use(known->digest())) prepare(known, Action::swallow, {});
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
  // As above: what it means on this server is up to the settings of now.
  if (unnamed->context() != context_of(client_, server_)) {
    const StatementRef before = unnamed;
    statement = unnamed = intern(before->body());
    if (server_.unnamed.statement == unnamed) return;
  }
  StatementChange change;
  change.statement = unnamed;
  replace_server_unnamed(server_, change, unnamed);
  put_parse({}, unnamed->body());
  ++walk_.counts().server_parses;
  ask(server_, Reply::parse, Action::swallow, std::move(change));
}

// What Execute will do. `rest` of the Bind is whole where that depends on it.
void StatementMessage::note_portal(ByteView portal, const StatementRef& statement, ByteView rest) {
  Portal noted;
  if (statement->has_effect()) {
    noted.statement = statement;
    if (statement->needs_parameters()) {
      const TextRules rules = text_rules(*client_.parameters);
      noted.bound = bind_parameters(statement->effect().changes, bound_values(rest), rules);
    }
  } else if (server_.portals.empty()) {
    return;
  }
  if (!server_.portals.set(portal, std::move(noted))) server_.settings.lose();
}

bool StatementMessage::bind(ByteView portal, ByteView name, ByteView rest) {
  StatementRef statement;
  if (!use(name, statement)) return false;
  if (!statement) return true;
  if (client_.follows_settings()) note_portal(portal, statement, rest);
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
  const Portal* noted = server_.portals.find(portal);
  if (!noted) {
    ask(server_, Reply::execute);
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
