#include "remuda/session/conversation.h"

#include <array>
#include <utility>

#include "asking.h"
#include "frame_walk.h"
#include "remuda/wire/notice.h"
#include "statement_messages.h"

namespace remuda::session {

const Fault kUnknownPacket{SqlState("08P01"), "unknown pkt"};
const Fault kStatementMode{SqlState("08P01"),
                           "transaction blocks not allowed in statement pooling mode"};
const Fault kInvalidParameter{SqlState("08P01"), "invalid server parameter"};
const Fault kInternalQueryFailed{SqlState("08P01"), "internal query failed"};
const Fault kServerProtocol{SqlState("08P01"), "server sent a reply that was not asked for"};
const Fault kAbandonedCopy{SqlState("08P01"), "client disconnect before its COPY"};

namespace {

const Fault kBadHeader{SqlState("08P01"), "bad packet header"};
const Fault kSimpleQueryDisallowed{SqlState("08P01"), "PQexec disallowed"};

// ---- What a client may send

enum class Frontend : uint8_t { unknown, asks, copy_data, copy_end, flush, terminate };

struct FrontendRule {
  Frontend kind = Frontend::unknown;
  Reply reply = Reply::query;
};

constexpr auto kFrontend = [] {
  std::array<FrontendRule, 256> rules{};
  rules['Q'] = {Frontend::asks, Reply::query};
  rules['F'] = {Frontend::asks, Reply::function};
  rules['P'] = {Frontend::asks, Reply::parse};
  rules['B'] = {Frontend::asks, Reply::bind};
  rules['D'] = {Frontend::asks, Reply::describe};
  rules['E'] = {Frontend::asks, Reply::execute};
  rules['C'] = {Frontend::asks, Reply::close};
  rules['S'] = {Frontend::asks, Reply::sync};
  rules['d'] = {Frontend::copy_data};
  rules['c'] = {Frontend::copy_end, Reply::copy_end};
  rules['f'] = {Frontend::copy_end, Reply::copy_end};
  rules['H'] = {Frontend::flush};
  rules['X'] = {Frontend::terminate};
  return rules;
}();

void end_copy(ServerView& server) {
  if (server.copy_in) {
    server.copy_in = false;
  } else if (!server.pipeline.empty() && !server.skipping) {
    server.pipeline.push(Reply::copy_end);
  }
}

// ---- What a server may send

void drop_early_copy_ends(Pipeline& pipeline) {
  while (pipeline.pop_if(Reply::copy_end)) {
  }
}

template <Reply reply>
void answer(ServerView& server, ClientView*) {
  if (server.pipeline.empty() || server.pipeline.front().reply != reply) return;
  pop_answered(server);
  drop_early_copy_ends(server.pipeline);
}

void finish_command(ServerView& server, ClientView* client) {
  server.copy_in = false;
  server.syncs_in_copy = 0;
  answer<Reply::execute>(server, client);
}

// CopyInResponse: Syncs sent behind the command and before CopyDone will be ignored, unless the
// COPY fails before the server has read them.
void begin_copy_in(ServerView& server, ClientView*) {
  Pipeline& pipeline = server.pipeline;
  size_t end = 1;
  while (end < pipeline.size() && pipeline.at(end).reply == Reply::sync) ++end;
  const bool is_last = end >= pipeline.size();
  const bool is_ended = !is_last && pipeline.at(end).reply == Reply::copy_end;
  server.copy_in = !is_ended;
  if (!is_last && !is_ended) server.suspect = true;
  server.syncs_in_copy += static_cast<uint32_t>(end - 1);
  const size_t erased = is_ended ? end : end - 1;
  size_t changes = 0;
  for (size_t i = 1; i <= erased; ++i) changes += pipeline.at(i).has_change;
  if (changes > 0) server.changes.erase(pipeline.front().has_change, changes);
  pipeline.erase(1, erased);
}

void fail_command(ServerView& server, ClientView* client) {
  server.copy_in = false;
  if (server.syncs_in_copy > 0) server.suspect = true;
  server.syncs_in_copy = 0;
  Pipeline& pipeline = server.pipeline;
  // A simple query goes on to its ReadyForQuery, and so does an error at Sync (a deferred
  // constraint). After one in the extended protocol the server skips to the next Sync.
  if (pipeline.empty()) return;
  if (ends_with_ready(pipeline.front().reply)) {
    if (pipeline.front().has_change) keep_statement(server, client);
    return;
  }
  const bool is_change_failed = pipeline.front().has_change;
  size_t changes = 0;
  if (!pipeline.skip_to_sync(changes)) server.skipping = true;
  if (changes > 0) undo_changes(server, client, changes, is_change_failed);
}

void note_nothing(ServerView&, ClientView*) {}

struct BackendRule {
  bool known = false;
  bool whole = false;
  void (*note)(ServerView&, ClientView*) = nullptr;
};

constexpr auto kBackend = [] {
  std::array<BackendRule, 256> rules{};
  for (char pass : {'D', 'd', 'c', 'H', 'A', 'N', 't'}) {
    rules[static_cast<unsigned char>(pass)] = {true, false, nullptr};
  }
  rules['V'] = {true, false, note_nothing};
  rules['1'] = {true, false, answer<Reply::parse>};
  rules['2'] = {true, false, answer<Reply::bind>};
  rules['3'] = {true, false, answer<Reply::close>};
  rules['T'] = {true, false, answer<Reply::describe>};
  rules['n'] = {true, false, answer<Reply::describe>};
  rules['C'] = {true, false, finish_command};
  rules['I'] = {true, false, answer<Reply::execute>};
  rules['s'] = {true, false, answer<Reply::execute>};
  rules['G'] = {true, false, begin_copy_in};
  rules['W'] = {true, false, begin_copy_in};
  rules['E'] = {true, false, fail_command};
  rules['S'] = {true, true, nullptr};
  rules['Z'] = {true, true, nullptr};
  return rules;
}();

bool is_internal(const Pipeline& pipeline) noexcept {
  return !pipeline.empty() && pipeline.front().action == Action::swallow &&
         pipeline.front().reply == Reply::query;
}

// The server has what nothing should be called: the client would be given what another made.
bool is_bound_nowhere(const Pipeline& pipeline, char type) noexcept {
  return type == '2' && !pipeline.empty() && pipeline.front().action == Action::replace;
}

// The answer to a Parse or Close that the client has not sent, or to half a query.
bool is_swallowed(ServerView& server, char type) noexcept {
  if (server.pipeline.empty()) return false;
  const Owed owed = server.pipeline.front();
  if (type == 'C' && owed.reply == Reply::query && owed.has_change) {
    return std::exchange(server.changes.front().skips_tag, false);
  }
  if (owed.action != Action::swallow) return false;
  return type == '1' ? owed.reply == Reply::parse : type == '3' && owed.reply == Reply::close;
}

// Answers what the server was not asked for, where it is its turn. False: egress is full.
bool put_answers(ServerView& server, bool tell, Egress& to_client) {
  Pipeline& pipeline = server.pipeline;
  while (!pipeline.empty() && pipeline.front().action == Action::answer) {
    if (!to_client.has_room(1, FrameWalk::kHeaderSize)) return false;
    const ByteView complete = pipeline.front().reply == Reply::parse ? ByteView("1\0\0\0\4", 5)
                                                                     : ByteView("3\0\0\0\4", 5);
    if (tell) to_client.copy(complete);
    pop_answered(server);
    drop_early_copy_ends(pipeline);
  }
  return true;
}

// An error in the extended protocol that tells more than that something failed.
void heed_error(ServerView& server, ClientView& client, ByteView message) {
  const Reply failed = server.pipeline.front().reply;
  const wire::ErrorFields fields = wire::parse_error_fields(message.substr(FrameWalk::kHeaderSize));
  // The server does not have what it should have, or the reverse.
  if (fields.sqlstate.view() == "26000" && (failed == Reply::bind || failed == Reply::describe)) {
    server.suspect = true;
  }
  if (fields.sqlstate.view() == "42P05" && failed == Reply::parse) server.suspect = true;
  if (fields.sqlstate.view() == "0A000" && fields.routine == "RevalidateCachedQuery") {
    renew_statements(client);
  }
}

bool ends_prepared_statements(ByteView message) noexcept {
  const ByteView tag = message.substr(FrameWalk::kHeaderSize);
  return tag == ByteView("DISCARD ALL\0", 12) || tag == ByteView("DEALLOCATE ALL\0", 15);
}

// The lengths of these two.
bool may_end_prepared_statements(const FrameHeader& header) noexcept {
  return header.type == 'C' && (header.length == 4 + 12 || header.length == 4 + 15);
}

// An error is looked at where it may be about prepared statements.
bool is_needed_whole(const FrameHeader& header, const Pipeline& pipeline) noexcept {
  if (header.type == 'E') return !pipeline.empty() && !ends_with_ready(pipeline.front().reply);
  return may_end_prepared_statements(header);
}

// False when the set has so many that an honest server cannot have sent them.
bool follow(ParameterSetRef& set, ByteView name, ByteView value) {
  if (!set) return true;
  if (set->values().size() >= ParameterSet::kMaxFollowed && !set->find(name)) return false;
  set = set.with(name, value);
  return true;
}

// A malformed one is a fault: nobody could tell what the server now has.
const Fault* note_parameter(ServerView& server, ClientView* client, ByteView message) {
  const ByteView body = message.substr(FrameWalk::kHeaderSize);
  const size_t name_end = body.find('\0');
  if (name_end == ByteView::npos) return &kServerProtocol;
  const size_t value_end = body.find('\0', name_end + 1);
  if (value_end == ByteView::npos) return &kServerProtocol;
  const ByteView name = body.substr(0, name_end);
  const ByteView value = body.substr(name_end + 1, value_end - name_end - 1);
  if (!is_settable_parameter(name)) return nullptr;
  if (!follow(server.parameters, name, value)) server.suspect = true;
  if (!client) return nullptr;
  const ParameterSetRef before = client->parameters;
  if (!follow(client->parameters, name, value)) server.suspect = true;
  if (server.is_prepared_blindly && before != client->parameters &&
      before->context() != client->parameters->context()) {
    server.suspect = true;
  }
  return nullptr;
}

// ReadyForQuery answers the oldest Query, FunctionCall or Sync. False when nobody asked for it.
bool answer_ready(ServerView& server) {
  Pipeline& pipeline = server.pipeline;
  const bool has_replied = std::exchange(server.has_replied, false);
  if (pipeline.empty()) return server.suspect;
  const Reply owed = pipeline.front().reply;
  // One more than we counted, of a suspect server: what is owed is still to come. Only Sync is
  // answered by nothing but ReadyForQuery.
  if (server.suspect && !has_replied && owed != Reply::sync) return true;
  if (!ends_with_ready(owed)) {
    // The server is past what it owed: it cannot be trusted to be in step.
    server.suspect = true;
    while (!pipeline.empty() && !ends_with_ready(pipeline.front().reply)) pop_answered(server);
    if (pipeline.empty()) return true;
  }
  pop_answered(server);
  drop_early_copy_ends(pipeline);
  return true;
}

const Fault* note_ready(ServerView& server, ClientView* client, ByteView message) {
  const char status = message.size() == 6 ? message[5] : '\0';
  if (!is_transaction_status(status)) return &kServerProtocol;
  server.status = static_cast<TransactionStatus>(status);
  server.copy_in = false;
  server.skipping = false;
  if (!answer_ready(server)) return &kServerProtocol;
  const bool is_idle = server.status == TransactionStatus::idle;
  if (server.pipeline.empty()) {
    server.in_batch = server.abandoned = server.may_set = server.is_prepared_blindly = false;
    if (client) client->in_query = false;
    if (client && is_idle) client->in_transaction = false;
  }
  if (client && client->release == Release::statement && !is_idle) return &kStatementMode;
  return nullptr;
}

// An internal query has been answered.
const Fault* end_internal(ServerView& server, ClientView* client) {
  if (server.internal_failed || server.status != TransactionStatus::idle) {
    return client ? &kInvalidParameter : &kInternalQueryFailed;
  }
  if (client && client->parameters && server.parameters && server.reported) {
    // The only internal query of a linked server is the replay of its client's parameters.
    server.parameters = after_replay(server.parameters, client->parameters, server.reported);
    client->parameters = server.parameters;
  }
  return nullptr;
}

bool is_released(const ServerView& server, const ClientView& client) noexcept {
  return client.release != Release::session && client.frame.at_boundary() && server.is_quiet();
}

Progress stop(FrameWalk& walk, Need need, const Fault* fault = nullptr) noexcept {
  return {walk.consumed(), need, fault, walk.counts()};
}

bool is_bad_length(const FrameHeader& header, const Limits& limits) noexcept {
  return header.length < 4 || header.length > limits.max_packet_size;
}

// An ErrorResponse or CommandComplete that is needed whole has arrived.
void take_outcome(FrameWalk& walk, ServerView& server, ClientView* client, const Limits& limits,
                  ByteView message) {
  const bool internal = is_internal(server.pipeline);
  const bool is_error = message[0] == 'E';
  std::string ours;
  server.has_replied = true;
  if (is_error && !server.pipeline.empty()) {
    if (server.pipeline.front().action == Action::replace) {
      ours = std::move(server.changes.front().error);
    } else if (client && follows_statements(*client, limits)) {
      heed_error(server, *client, message);
    }
  }
  if (!is_error && ends_prepared_statements(message)) {
    forget_statements(server, internal ? nullptr : client);
  }
  if (!internal) (is_error ? fail_command : finish_command)(server, client);
  if (internal || !client) {
    walk.swallow_whole();
  } else if (!ours.empty()) {
    walk.swallow_whole();
    walk.out().copy(ours);
  } else {
    walk.forward_whole(message);
  }
}

// A message from the server that is needed whole has arrived. A faulty one is not sent on.
Progress take_whole(FrameWalk& walk, ServerView& server, ClientView* client, const Limits& limits,
                    ByteView message) {
  if (message[0] == 'E' || message[0] == 'C') {
    take_outcome(walk, server, client, limits, message);
    return stop(walk, Need::none);
  }
  const bool internal = is_internal(server.pipeline);
  const bool ready = message[0] == 'Z';
  const Fault* fault = nullptr;
  if (ready) {
    fault = note_ready(server, internal ? nullptr : client, message);
    if (!fault && internal) fault = end_internal(server, client);
  } else {
    fault = note_parameter(server, internal ? nullptr : client, message);
  }
  if (internal || !client || fault) {
    walk.swallow_whole();
  } else {
    walk.forward_whole(message);
  }
  if (fault) return stop(walk, Need::fail, fault);
  if (!ready) return stop(walk, Need::none);
  if (client ? (!internal && is_released(server, *client)) : server.is_quiet()) {
    return stop(walk, Need::release);
  }
  return stop(walk, Need::none);
}

Progress walk_server(FrameWalk& walk, ServerView& server, ClientView* client,
                     const Limits& limits) {
  while (true) {
    if (!walk.has_room()) return stop(walk, Need::flush);
    if (!walk.finish_body()) break;
    const bool is_told = put_answers(server, client != nullptr, walk.out());
    if (!is_told || !walk.has_room()) return stop(walk, Need::flush);
    if (walk.at_end()) break;
    ByteView message;
    if (walk.is_assembling()) {
      if (!walk.finish_assembly(message)) break;
    } else {
      FrameHeader header;
      if (!walk.next_header(header)) break;
      const BackendRule& rule = kBackend[static_cast<unsigned char>(header.type)];
      if (!rule.known || is_bad_length(header, limits)) {
        walk.remember(header);
        return stop(walk, Need::fail, rule.known ? &kBadHeader : &kUnknownPacket);
      }
      const bool internal = is_internal(server.pipeline);
      if (!internal && !client) {
        if (!server.abandoned) return stop(walk, Need::fail, &kServerProtocol);
        // It would wait for data for ever.
        if (header.type == 'G' || header.type == 'W') {
          return stop(walk, Need::fail, &kAbandonedCopy);
        }
      }
      const bool whole = rule.whole || is_needed_whole(header, server.pipeline);
      if (!whole || header.length > FrameWalk::kMaxWhole) {
        if (header.type == 'Z') return stop(walk, Need::fail, &kServerProtocol);
        if (rule.whole) server.suspect = true;  // a parameter too long to follow
        if (rule.note) server.has_replied = true;
        if (internal) {
          // A COPY would wait for data for ever.
          if (header.type == 'G' || header.type == 'W') {
            return stop(walk, Need::fail, client ? &kInvalidParameter : &kInternalQueryFailed);
          }
          if (header.type == 'E') server.internal_failed = true;
          walk.swallow(header);
        } else {
          if (is_bound_nowhere(server.pipeline, header.type)) {
            return stop(walk, Need::fail, &kServerProtocol);
          }
          const bool swallowed = is_swallowed(server, header.type);
          if (rule.note) rule.note(server, client);
          if (client && !swallowed) {
            walk.forward(header);
          } else {
            walk.swallow(header);
          }
        }
        continue;
      }
      if (!walk.whole(header, message)) break;
    }
    const Progress progress = take_whole(walk, server, client, limits, message);
    if (progress.need != Need::none) return progress;
  }
  return stop(walk, Need::none);
}

// Bytes of a query's text, as far as they were read with its header.
ByteView text_of(const FrameWalk& walk, const FrameHeader& header) noexcept {
  constexpr size_t kSeen = 64;
  if (!header.in_place) return {};
  const ByteView message = walk.unread().substr(0, std::min<size_t>(kSeen, header.length + 1));
  return message.substr(FrameWalk::kHeaderSize);
}

void ask_following(ClientView& client, ServerView& server, Reply reply, ByteView text) {
  if (reply == Reply::query && !server.skipping) note_query(client, server, text);
  if (ends_with_ready(reply)) return ask_last(server, reply);
  ask(server, reply);
}

// One message of a client that has arrived at least with its header.
Progress take_client_message(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                             ServerView* server, bool follows) {
  const FrontendRule rule = kFrontend[static_cast<unsigned char>(header.type)];
  if (rule.kind == Frontend::terminate) return stop(walk, Need::terminate);
  if (rule.kind == Frontend::asks) {
    if (header.type == 'Q' && !client.simple_query_allowed) {
      return stop(walk, Need::fail, &kSimpleQueryDisallowed);
    }
    client.in_query = client.in_transaction = true;
    if (!server) return stop(walk, Need::server);
    if (server->pipeline.full()) {
      if (follows) ask_for_answers(walk, *server);
      return stop(walk, Need::room);
    }
    if (follows) {
      ask_following(client, *server, rule.reply, text_of(walk, header));
    } else {
      if (server->unnamed.statement) server->unnamed.set({});
      ask(*server, rule.reply);
    }
  } else {
    // PostgreSQL ignores these outside a COPY and with nothing to flush.
    if (!server || server->is_quiet()) {
      walk.swallow(header);
      return stop(walk, Need::none);
    }
    if (rule.kind == Frontend::flush) {
      server->flushes_answers =
          !server->pipeline.empty() && server->pipeline.front().action == Action::answer;
    }
    if (rule.kind == Frontend::copy_end) {
      if (server->pipeline.full()) return stop(walk, Need::room);
      end_copy(*server);
    }
  }
  walk.forward(header);
  return stop(walk, Need::none);
}

Progress walk_client(FrameWalk& walk, ClientView& client, ServerView* server,
                     const Limits& limits) {
  const bool follows = follows_statements(client, limits);
  // A complete header can be waiting from the last call, so this runs even without new bytes.
  while (true) {
    if (follows ? !walk.has_room_to_rewrite() : !walk.has_room()) return stop(walk, Need::flush);
    const bool was_streaming = !client.frame.at_boundary();
    if (!walk.finish_body()) break;
    if (was_streaming && server && is_released(*server, client)) return stop(walk, Need::release);
    FrameHeader header;
    if (walk.is_assembling()) {
      header = walk.assembled_header();
      const Progress progress = take_statement_message(walk, header, client, server, limits);
      if (progress.need != Need::none) return progress;
      if (walk.is_assembling()) break;
      continue;
    }
    if (walk.at_end() && client.frame.header_size < FrameWalk::kHeaderSize) break;
    if (!walk.next_header(header)) break;
    const bool known = kFrontend[static_cast<unsigned char>(header.type)].kind != Frontend::unknown;
    if (!known || is_bad_length(header, limits)) {
      walk.remember(header);
      return stop(walk, Need::fail, known ? &kBadHeader : &kUnknownPacket);
    }
    const Progress progress =
        follows && (is_about_statements(header.type) || may_deallocate(client, header))
            ? take_statement_message(walk, header, client, server, limits)
            : take_client_message(walk, header, client, server, follows);
    if (walk.is_assembling() && progress.need == Need::none) break;
    if (progress.need != Need::none) return progress;
  }
  return stop(walk, Need::none);
}

}  // namespace

Progress from_client(ClientView& client, ServerView* server, ByteView bytes, Egress& to_server,
                     const Limits& limits) noexcept {
  heed_zero_limit(client, server, limits);
  FrameWalk walk(client.frame, bytes, to_server);
  return walk_client(walk, client, server, limits);
}

Progress from_server(ServerView& server, ClientView* client, ByteView bytes, Egress& to_client,
                     const Limits& limits) noexcept {
  FrameWalk walk(server.frame, bytes, to_client);
  return walk_server(walk, server, client, limits);
}

bool abandon(ServerView& server, bool& needs_sync) {
  // An unanswered replay of parameters: nobody would know what the server has.
  if (server.suspect || server.copy_in || is_internal(server.pipeline)) return false;
  // It does not know a COPY's end for one until it has begun.
  const size_t owed = server.pipeline.size();
  for (size_t i = 0; i < owed; ++i) {
    if (server.pipeline.at(i).reply == Reply::copy_end) return false;
  }
  const bool is_ended = owed > 0 && ends_with_ready(server.pipeline.at(owed - 1).reply);
  needs_sync = server.skipping || (server.in_batch && !is_ended);
  if (needs_sync) ask(server, Reply::sync);
  server.batch_deallocates = false;
  server.abandoned = true;
  return true;
}

bool has_answers(const ServerView& server) noexcept {
  return server.flushes_answers && server.frame.at_boundary();
}

void take_answers(ServerView& server, Egress& to_client) noexcept {
  if (put_answers(server, true, to_client)) server.flushes_answers = false;
}

void expect_internal_query(ServerView& server) {
  server.internal_failed = false;
  server.unnamed.set({});
  server.pipeline.push(Reply::query, Action::swallow);
}

}  // namespace remuda::session
