#include "statement_messages.h"

#include <algorithm>
#include <utility>

#include "asking.h"
#include "deallocate.h"
#include "remuda/wire/builder.h"

namespace remuda::session {
namespace {

using Body = FrameState::Body;

const Fault kNameTooLong{SqlState("54000"), "name of a prepared statement or portal is too long"};
const Fault kMalformed{SqlState("08P01"), "invalid message format"};

constexpr size_t kHeaderSize = FrameWalk::kHeaderSize;
// Names are looked for among so many bytes.
constexpr size_t kMostNames = FrameWalk::kMaxWhole;
// Longer texts are not kept: as the unnamed statement they do not follow the client, under a name
// they are refused.
constexpr size_t kMostUnnamed = 1024 * 1024;
constexpr size_t kMostNamed = 16 * 1024 * 1024;
constexpr size_t kMostStatements = 16 * 1024;  // of one client
// A text up to this size is copied, so that it is one run with what is put around it.
constexpr size_t kSmall = 1024;
constexpr size_t kMostEvictions = 4;  // for one statement
constexpr size_t kShownName = 200;
constexpr ByteView kFlush{"H\0\0\0\4", 5};
// Nothing has this name, so what refers to it fails.
constexpr ByteView kNowhere = "remuda_nowhere";

ByteView up_to_nul(ByteView bytes) noexcept {
  return bytes.substr(0, bytes.find('\0'));
}

void put_header(Egress& out, char type, size_t body_size) {
  char header[kHeaderSize];
  header[0] = type;
  store_u32(header + 1, static_cast<uint32_t>(body_size + 4));
  out.copy({header, kHeaderSize});
}

void put_cstring(Egress& out, ByteView text) {
  out.copy(text);
  out.copy(ByteView("\0", 1));
}

std::string shown(ByteView name) {
  std::string text(name.substr(0, kShownName));
  return '"' + text + '"';
}

void replace_client_unnamed(ClientStatements& own, StatementChange& change,
                            StatementRef statement) {
  change.client_unnamed = true;
  change.client_previous = own.unnamed.set(std::move(statement));
  change.client_version = own.unnamed.version;
}

void replace_server_unnamed(ServerView& server, StatementChange& change, StatementRef statement) {
  change.server_unnamed = true;
  change.server_previous = server.unnamed.set(std::move(statement));
  change.server_version = server.unnamed.version;
}

// Undoes a replacement of the unnamed statement, after which the slot had this version. Where later
// batches have replaced it again, they have replaced what was there before.
void put_back(ServerView& server, size_t later, StatementSlot& now, uint64_t version,
              const StatementSlot& before, StatementSlot StatementChange::*previous) {
  if (now.version == version) {
    now = before;
    return;
  }
  for (size_t i = later; i < server.changes.size(); ++i) {
    StatementSlot& theirs = server.changes[i].*previous;
    if (theirs.version == version) theirs = before;
  }
}

// One message, and all that it is about.
class StatementMessage {
 public:
  StatementMessage(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                   ServerView& server, const Limits& limits)
      : walk_(walk), header_(header), client_(client), server_(server), limits_(limits) {
    if (!client.statements) client.statements = std::make_unique<ClientStatements>();
  }

  // Each returns false when the message has to wait for answers; nothing has been done then.
  bool parse(ByteView name, ByteView body);
  bool bind(ByteView portal, ByteView name);
  bool describe(ByteView name);
  bool close(ByteView name);
  bool query(ByteView sql);

  void refuse(const SqlState& state, const std::string& text, const std::string& detail = {});
  void stream_unnamed();

 private:
  size_t size() const noexcept { return size_t{1} + header_.length; }
  ClientStatements& own() noexcept { return *client_.statements; }
  bool is_unnamed(ByteView name) const noexcept { return name.empty() && !limits_.prepare_unnamed; }
  StatementRef* find(ByteView name) noexcept;

  bool is_unsettled(const StatementDigest& digest) const noexcept;
  bool is_unsettled(ByteView name) const noexcept;
  bool is_unnamed_unsettled() const noexcept;
  template <class Concerns>
  bool any_earlier(Concerns concerns) const noexcept;

  bool is_aborted() const noexcept;
  void parse_unnamed(ByteView body);
  bool parse_deallocate(const std::string& name, StatementRef known, ByteView body);
  bool use(ByteView name, StatementRef& statement);
  bool use_unnamed();
  void refuse_unknown(ByteView name);
  void refuse_duplicate(ByteView name);
  void refuse_unkept();
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

template <class Concerns>
bool StatementMessage::any_earlier(Concerns concerns) const noexcept {
  for (size_t i = 0; i < server_.changes.size(); ++i) {
    const StatementChange& change = server_.changes[i];
    if (change.batch == server_.batch) return false;
    if (change.forgets_all || concerns(change)) return true;
  }
  return false;
}

// Whether a batch that is not answered yet decides if the server has it.
bool StatementMessage::is_unsettled(const StatementDigest& digest) const noexcept {
  return any_earlier([&](const StatementChange& change) {
    return (change.server_added || change.server_removed) && change.digest == digest;
  });
}

// Whether such a batch decides what the client's name stands for.
bool StatementMessage::is_unsettled(ByteView name) const noexcept {
  return any_earlier([&](const StatementChange& change) {
    return (change.client_added || change.client_removed) && change.name == name;
  });
}

// Whether such a batch was the last to prepare the unnamed statement.
bool StatementMessage::is_unnamed_unsettled() const noexcept {
  for (size_t i = server_.changes.size(); i-- > 0;) {
    const StatementChange& change = server_.changes[i];
    if (change.client_unnamed || change.server_unnamed) return change.batch != server_.batch;
  }
  return false;
}

StatementRef* StatementMessage::find(ByteView name) noexcept {
  const auto at = own().named.find(name);
  return at == own().named.end() ? nullptr : &at->second;
}

// Makes the server fail here, as it would have by itself, and tells the client in its own words.
void StatementMessage::refuse(const SqlState& state, const std::string& text,
                              const std::string& detail) {
  StatementChange change;
  wire::MessageBuilder error(change.error, 'E');
  error.u8('S').cstring("ERROR").u8('V').cstring("ERROR");
  error.u8('C').cstring(state.view()).u8('M').cstring(text);
  if (!detail.empty()) error.u8('D').cstring(detail);
  error.u8(0).finish();
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
    return refuse(SqlState("26000"), "unnamed prepared statement does not exist");
  }
  own().complaint = "prepared statement did not exist";
  refuse(SqlState("26000"), "prepared statement " + shown(name) + " does not exist",
         "This prepared statement did not exist for this client: it was never prepared, or has "
         "been deallocated.");
}

void StatementMessage::refuse_duplicate(ByteView name) {
  own().complaint =
      "prepared statement '" + std::string(name.substr(0, kShownName)) + "' was already prepared";
  refuse(SqlState("42P05"), "prepared statement " + shown(name) + " already exists");
}

void StatementMessage::refuse_unkept() {
  refuse(SqlState("54000"), "unnamed prepared statement is too long to be kept for later batches",
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
    if (is_unsettled(digest)) return;
    server_.statements.remove(digest);
    Egress& out = walk_.out();
    const StatementName name = server_name(digest);
    put_header(out, 'C', 1 + name.size() + 1);
    out.copy("S");
    put_cstring(out, view_of(name));
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
  change.statement = limits_.statements->intern(body, client_.parameters->context());
  replace_client_unnamed(own(), change, change.statement);
  replace_server_unnamed(server_, change, change.statement);
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

// Too long to keep: it works on this server only.
void StatementMessage::stream_unnamed() {
  StatementChange change;
  change.statement = limits_.statements->make_unkept();
  replace_client_unnamed(own(), change, change.statement);
  replace_server_unnamed(server_, change, change.statement);
  ask(server_, Reply::parse, Action::forward, std::move(change));
  forward_as_it_is();
}

bool StatementMessage::parse(ByteView name, ByteView body) {
  if (is_unnamed(name)) {
    const auto ended = own().named.empty() ? std::nullopt : deallocated_name(up_to_nul(body));
    StatementRef* const known = ended ? find(*ended) : nullptr;
    if (known) return parse_deallocate(*ended, *known, body);
    parse_unnamed(body);
    return true;
  }
  if (is_unsettled(name)) return false;
  const bool replaces = name.empty();
  if (!replaces && find(name)) {
    refuse_duplicate(name);
    return true;
  }
  if (own().named.size() >= kMostStatements) {
    refuse(SqlState("54000"), "too many prepared statements");
    return true;
  }
  StatementRef statement = limits_.statements->intern(body, client_.parameters->context());
  if (is_unsettled(statement->digest())) return false;
  StatementChange change;
  if (replaces) {
    replace_client_unnamed(own(), change, statement);
  } else {
    change.client_added = true;
    change.name = name;
    own().named.emplace(change.name, statement);
    ++walk_.counts().client_parses;
  }
  if (is_aborted() && server_.statements.use(statement->digest())) {
    // The server refuses it for that before it sees that it has it.
    change.statement = statement;
    put_parse(view_of(server_name(statement->digest())), statement->body());
    ++walk_.counts().server_parses;
    ask(server_, Reply::parse, Action::forward, std::move(change));
  } else if (server_.statements.use(statement->digest())) {
    change.statement = std::move(statement);
    ask(server_, Reply::parse, Action::answer, std::move(change));
  } else {
    prepare(statement, Action::forward, std::move(change));
  }
  swallow();
  return true;
}

// ---- DEALLOCATE

// As a query it becomes one that has the same tag on any server. Its first tag is not for the
// client.
bool StatementMessage::query(ByteView sql) {
  const std::optional<std::string> name = deallocated_name(sql);
  if (name && is_unsettled(*name)) return false;
  StatementRef* const known = name ? find(*name) : nullptr;
  note_query(client_, server_, sql);
  if (!known) {
    ask_last(server_, Reply::query);
    forward_as_it_is();
    return true;
  }
  server_.batch_deallocates = false;
  StatementChange change;
  change.client_removed = change.skips_tag = true;
  change.name = *name;
  change.statement = std::move(*known);
  own().named.erase(own().named.find(*name));
  ask(server_, Reply::query, Action::forward, std::move(change));
  constexpr ByteView kQuery = "PREPARE remuda_gone AS SELECT;DEALLOCATE remuda_gone";
  put_header(walk_.out(), 'Q', kQuery.size() + 1);
  put_cstring(walk_.out(), kQuery);
  swallow();
  return true;
}

// Prepared, it ends the server's copy, which has to be there for that.
bool StatementMessage::parse_deallocate(const std::string& name, StatementRef known,
                                        ByteView body) {
  const StatementDigest digest = known->digest();
  if (is_unsettled(name) || is_unsettled(digest)) return false;
  if (!server_.statements.use(digest)) prepare(known, Action::swallow, {});
  StatementChange change;
  const StatementRef text = limits_.statements->intern(body, client_.parameters->context());
  replace_client_unnamed(own(), change, text);
  replace_server_unnamed(server_, change, text);
  change.client_removed = own().named.erase(name) > 0;
  change.name = name;
  change.statement = std::move(known);
  change.server_removed = server_.statements.remove(digest);
  change.digest = digest;
  const StatementName renamed = server_name(digest);
  const std::string sql = "DEALLOCATE \"" + std::string(view_of(renamed)) + '"';
  Egress& out = walk_.out();
  put_header(out, 'P', 1 + sql.size() + 1 + 2);
  put_cstring(out, "");
  put_cstring(out, sql);
  out.copy(ByteView("\0\0", 2));
  ask(server_, Reply::parse, Action::forward, std::move(change));
  swallow();
  return true;
}

// ---- Bind and Describe

// Sees to it that the server has what the name stands for. False: wait. A null statement: unknown,
// and refused.
bool StatementMessage::use(ByteView name, StatementRef& statement) {
  if (is_unsettled(name)) return false;
  StatementRef* known = name.empty() ? &own().unnamed.statement : find(name);
  if (!known || !*known) {
    refuse_unknown(name);
    return true;
  }
  if ((*known)->body().empty()) {
    refuse_unkept();
    return true;
  }
  if (is_unsettled((*known)->digest())) return false;
  if (!server_.statements.use((*known)->digest())) {
    // Prepared now, it means what the settings of now make of it; others must not be given that
    // under the name of what it meant before.
    if ((*known)->context() != client_.parameters->context()) {
      const StatementRef before = *known;
      *known = limits_.statements->intern(before->body(), client_.parameters->context());
    }
    if (is_unsettled((*known)->digest())) return false;
    if (!server_.statements.use((*known)->digest())) prepare(*known, Action::swallow, {});
  }
  statement = *known;
  server_.batch_deallocates |= statement->deallocates();
  return true;
}

// The same for the unnamed statement, which is not renamed. False: refused.
bool StatementMessage::use_unnamed() {
  StatementRef& unnamed = own().unnamed.statement;
  if (!unnamed) {
    refuse_unknown({});
    return false;
  }
  server_.batch_deallocates |= unnamed->deallocates();
  if (server_.unnamed.statement == unnamed) return true;
  if (unnamed->body().empty()) {
    refuse_unkept();
    return false;
  }
  // As in use(): what it means on this server is up to the settings of now.
  if (unnamed->context() != client_.parameters->context()) {
    const StatementRef before = unnamed;
    unnamed = limits_.statements->intern(before->body(), client_.parameters->context());
    if (server_.unnamed.statement == unnamed) return true;
  }
  StatementChange change;
  change.statement = unnamed;
  replace_server_unnamed(server_, change, unnamed);
  put_parse({}, unnamed->body());
  ++walk_.counts().server_parses;
  ask(server_, Reply::parse, Action::swallow, std::move(change));
  return true;
}

bool StatementMessage::bind(ByteView portal, ByteView name) {
  if (name.empty() && is_unnamed_unsettled()) return false;
  if (is_unnamed(name)) {
    if (!use_unnamed()) return true;
    ask(server_, Reply::bind);
    forward_as_it_is();
    return true;
  }
  StatementRef statement;
  if (!use(name, statement)) return false;
  if (!statement) return true;
  if (!name.empty()) ++walk_.counts().binds;
  ask(server_, Reply::bind);
  const size_t prefix = kHeaderSize + portal.size() + 1 + name.size() + 1;
  const StatementName renamed = server_name(statement->digest());
  const size_t rest = size() - prefix;
  Egress& out = walk_.out();
  put_header(out, 'B', portal.size() + 1 + renamed.size() + 1 + rest);
  put_cstring(out, portal);
  put_cstring(out, view_of(renamed));
  walk_.take(header_, prefix, Body::forward);
  return true;
}

bool StatementMessage::describe(ByteView name) {
  if (name.empty() && is_unnamed_unsettled()) return false;
  if (is_unnamed(name)) {
    if (!use_unnamed()) return true;
    ask(server_, Reply::describe);
    forward_as_it_is();
    return true;
  }
  StatementRef statement;
  if (!use(name, statement)) return false;
  if (!statement) return true;
  ask(server_, Reply::describe);
  const StatementName renamed = server_name(statement->digest());
  Egress& out = walk_.out();
  put_header(out, 'D', 1 + renamed.size() + 1);
  out.copy("S");
  put_cstring(out, view_of(renamed));
  swallow();
  return true;
}

// ---- Close

// The server keeps it for others, and for this client's next time.
bool StatementMessage::close(ByteView name) {
  if (is_unsettled(name)) return false;
  StatementChange change;
  if (name.empty()) {
    replace_client_unnamed(own(), change, {});
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

// How much of a message has to be seen, at most.
size_t most_needed(const FrameHeader& header) noexcept {
  const size_t size = size_t{1} + header.length;
  if (header.type == 'P' || header.type == 'Q') return size;
  return std::min(size, kMostNames);
}

// Whether `message` has all that is needed: a Parse is kept, of the others only the names count.
bool has_enough(ByteView message, size_t size) noexcept {
  if (message.size() == size) return true;
  if (message[0] != 'B') return false;
  const size_t portal_end = message.find('\0', kHeaderSize);
  return portal_end != ByteView::npos && message.find('\0', portal_end + 1) != ByteView::npos;
}

bool takes_portal(ByteView message) noexcept {
  return (message[0] == 'D' || message[0] == 'C') &&
         (message.size() <= kHeaderSize || message[kHeaderSize] != 'S');
}

Reply reply_to(char type) noexcept {
  return type == 'D' ? Reply::describe : Reply::close;
}

// The first string behind `at`, and where it ends; false if it does not.
bool read_string(ByteView message, size_t& at, ByteView& text) noexcept {
  const size_t end = message.find('\0', std::min(at, message.size()));
  if (end == ByteView::npos) return false;
  text = message.substr(at, end - at);
  at = end + 1;
  return true;
}

}  // namespace

Progress take_statement_message(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                                ServerView* server, const Limits& limits) {
  const auto stop = [&](Need need, const Fault* fault = nullptr) {
    return Progress{walk.consumed(), need, fault, walk.counts()};
  };
  const size_t size = size_t{1} + header.length;
  // Of a Parse that is too long to keep only the first letter of its name matters.
  const bool is_long = header.type == 'P' && size > kMostUnnamed;
  size_t most = most_needed(header);
  if (is_long) most = kHeaderSize + 1;
  ByteView message = walk.gather(header, most);
  bool is_enough = has_enough(message, size);
  bool is_unkept = false;
  if (is_long && message.size() > kHeaderSize) {
    // What has been collected already, under other limits, may be too much to be copied.
    is_unkept = size > kMostNamed || (message[kHeaderSize] == '\0' && !limits.prepare_unnamed &&
                                      message.size() <= kMostNames);
    if (!is_unkept) {
      message = walk.gather(header, size);
      is_enough = has_enough(message, size);
    }
    is_enough |= is_unkept;
  }
  if (!is_enough) {
    if (message.size() >= kMostNames && header.type != 'P') return stop(Need::fail, &kNameTooLong);
    walk.keep(message);
    return stop(Need::none);
  }

  client.in_query = client.in_transaction = true;
  if (!server) return stop(Need::server);
  if (server->pipeline.full()) {
    ask_for_answers(walk, *server);
    return stop(Need::room);
  }
  if (server->skipping) {
    walk.take(header, 0, Body::swallow);
    return stop(Need::none);
  }
  if (server->batch_deallocates && !server->pipeline.empty() && !server->copy_in) {
    // What statements there are is known only when that has been answered.
    ask_for_answers(walk, *server);
    return stop(Need::room);
  }
  StatementMessage about(walk, header, client, *server, limits);
  if (is_unkept) {
    if (message[kHeaderSize] == '\0' && !limits.prepare_unnamed) {
      about.stream_unnamed();
    } else {
      about.refuse(SqlState("54000"), "prepared statement is too long to be kept",
                   "At most 16 MiB can be, and any length without a name.");
    }
    return stop(Need::none);
  }
  if (takes_portal(message)) {
    ask(*server, reply_to(header.type));
    walk.take(header, 0, Body::forward);
    return stop(Need::none);
  }
  const bool has_kind = header.type == 'D' || header.type == 'C';
  size_t at = has_kind ? kHeaderSize + 1 : kHeaderSize;
  ByteView first;
  ByteView second;
  const bool has_names =
      read_string(message, at, first) && (header.type != 'B' || read_string(message, at, second));
  if (!has_names) return stop(Need::fail, &kMalformed);
  if (first.size() > kMostNames) return stop(Need::fail, &kNameTooLong);
  bool is_done = false;
  switch (header.type) {
    case 'P':
      is_done = about.parse(first, message.substr(at));
      break;
    case 'B':
      is_done = about.bind(first, second);
      break;
    case 'D':
      is_done = about.describe(first);
      break;
    case 'Q':
      is_done = about.query(first);
      break;
    default:
      is_done = about.close(first);
  }
  return stop(is_done ? Need::none : Need::room);
}

void ask_for_answers(FrameWalk& walk, ServerView& server) noexcept {
  server.flushes_answers = server.pipeline.front().action == Action::answer;
  walk.out().copy(kFlush);
}

bool may_deallocate(const ClientView& client, const FrameHeader& header) noexcept {
  constexpr uint32_t kMostLength = 256;
  return header.type == 'Q' && header.length <= kMostLength && client.simple_query_allowed &&
         client.statements && !client.statements->named.empty();
}

void note_query(ClientView& client, ServerView& server, ByteView text) {
  if (client.statements) client.statements->unnamed.set({});
  server.unnamed.set({});
  // What cannot be seen, or begins with a comment, may be anything.
  const size_t begin = text.find_first_not_of(" \t\r\n\f\v;(");
  const char first = begin == ByteView::npos ? 'd' : text[begin];
  if (first != 'd' && first != 'D' && first != '-' && first != '/') return;
  server.batch_deallocates = true;
}

void undo_changes(ServerView& server, ClientView* client, size_t n, bool is_first_failed) {
  ClientStatements* own = client ? client->statements.get() : nullptr;
  for (size_t i = n; i-- > 0;) {
    StatementChange& change = server.changes[i];
    // A Parse that fails has ended the unnamed statement before it.
    const bool has_failed = is_first_failed && i == 0;
    if (change.server_added) server.statements.remove(change.digest);
    if (change.server_removed) server.statements.add_oldest(change.digest);
    if (change.server_unnamed) {
      if (has_failed) change.server_previous.statement = {};
      put_back(server, n, server.unnamed, change.server_version, change.server_previous,
               &StatementChange::server_previous);
    }
    if (!own) continue;
    if (change.client_added) own->named.erase(change.name);
    if (change.client_removed) own->named.emplace(change.name, change.statement);
    if (change.client_unnamed) {
      if (has_failed) change.client_previous.statement = {};
      put_back(server, n, own->unnamed, change.client_version, change.client_previous,
               &StatementChange::client_previous);
    }
  }
  server.changes.drop(n);
}

void keep_statement(ServerView& server, ClientView* client) {
  StatementChange& change = server.changes.front();
  if (!std::exchange(change.client_removed, false) || !client || !client->statements) return;
  client->statements->named.emplace(change.name, change.statement);
}

void forget_statements(ServerView& server, ClientView* client) {
  server.statements.clear();
  ClientStatements* own = client ? client->statements.get() : nullptr;
  if (own) own->named.clear();
  // What is on its way is done again, to nothing.
  for (size_t i = 0; i < server.changes.size(); ++i) {
    StatementChange& change = server.changes[i];
    if (change.server_added) server.statements.add(change.digest);
    if (change.server_removed) change.server_removed = server.statements.remove(change.digest);
    if (!own) continue;
    if (change.client_added) own->named.emplace(change.name, change.statement);
    if (change.client_removed) change.client_removed = own->named.erase(change.name) > 0;
  }
}

void renew_statements(ClientView& client) noexcept {
  if (!client.statements) return;
  for (auto& [name, statement] : client.statements->named) statement->renew();
  const StatementRef& unnamed = client.statements->unnamed.statement;
  if (unnamed) unnamed->renew();
}

}  // namespace remuda::session
