#include "remuda/session/conversation.h"

#include <array>
#include <utility>

#include "frame_walk.h"

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

// A message that is answered. While a server reads a COPY it ignores Sync; anything else that asks
// makes it fail the COPY, and whether that message is then answered depends on who was faster.
void ask(ServerView& server, Reply reply) {
  if (server.copy_in) {
    if (reply == Reply::sync) {
      ++server.syncs_in_copy;
      return;
    }
    server.suspect = true;
  }
  if (server.skipping) {
    if (reply != Reply::sync) return;
    server.skipping = false;
  }
  if (!ends_with_ready(reply)) server.in_batch = true;
  server.pipeline.push(reply);
}

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
void answer(ServerView& server) {
  if (server.pipeline.pop_if(reply)) drop_early_copy_ends(server.pipeline);
}

void finish_command(ServerView& server) {
  server.copy_in = false;
  server.syncs_in_copy = 0;
  answer<Reply::execute>(server);
}

// CopyInResponse: Syncs sent behind the command and before CopyDone will be ignored, unless the
// COPY fails before the server has read them.
void begin_copy_in(ServerView& server) {
  Pipeline& pipeline = server.pipeline;
  size_t end = 1;
  while (end < pipeline.size() && pipeline.at(end).reply == Reply::sync) ++end;
  const bool is_last = end >= pipeline.size();
  const bool is_ended = !is_last && pipeline.at(end).reply == Reply::copy_end;
  server.copy_in = !is_ended;
  if (!is_last && !is_ended) server.suspect = true;
  server.syncs_in_copy += static_cast<uint32_t>(end - 1);
  pipeline.erase(1, is_ended ? end : end - 1);
}

void fail_command(ServerView& server) {
  server.copy_in = false;
  if (server.syncs_in_copy > 0) server.suspect = true;
  server.syncs_in_copy = 0;
  Pipeline& pipeline = server.pipeline;
  // A simple query goes on to its ReadyForQuery, and so does an error at Sync (a deferred
  // constraint). After one in the extended protocol the server skips to the next Sync.
  if (pipeline.empty() || ends_with_ready(pipeline.front().reply)) return;
  if (!pipeline.skip_to_sync()) server.skipping = true;
}

void note_nothing(ServerView&) {}

struct BackendRule {
  bool known = false;
  bool whole = false;
  void (*note)(ServerView&) = nullptr;
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
  return !pipeline.empty() && pipeline.front().action == Action::swallow;
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
  if (client && !follow(client->parameters, name, value)) server.suspect = true;
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
    while (!pipeline.empty() && !ends_with_ready(pipeline.front().reply)) pipeline.pop();
    if (pipeline.empty()) return true;
  }
  pipeline.pop();
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
    server.in_batch = server.abandoned = false;
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

Progress stop(const FrameWalk& walk, Need need, const Fault* fault = nullptr) noexcept {
  return {walk.consumed(), need, fault};
}

bool is_bad_length(const FrameHeader& header, const Limits& limits) noexcept {
  return header.length < 4 || header.length > limits.max_packet_size;
}

// A message from the server that is needed whole has arrived. A faulty one is not sent on.
Progress take_whole(FrameWalk& walk, ServerView& server, ClientView* client, ByteView message) {
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
  while (!walk.at_end()) {
    if (!walk.has_room()) return stop(walk, Need::flush);
    if (!walk.finish_body()) break;
    ByteView message;
    if (walk.is_assembling()) {
      if (!walk.finish_assembly(message)) break;
    } else {
      if (walk.at_end()) break;
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
      if (!rule.whole || header.length > FrameWalk::kMaxWhole) {
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
          if (rule.note) rule.note(server);
          if (client) {
            walk.forward(header);
          } else {
            walk.swallow(header);
          }
        }
        continue;
      }
      if (!walk.whole(header, message)) break;
    }
    const Progress progress = take_whole(walk, server, client, message);
    if (progress.need != Need::none) return progress;
  }
  return stop(walk, Need::none);
}

// One message of a client that has arrived at least with its header.
Progress take_client_message(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                             ServerView* server) {
  const FrontendRule rule = kFrontend[static_cast<unsigned char>(header.type)];
  if (rule.kind == Frontend::terminate) return stop(walk, Need::terminate);
  if (rule.kind == Frontend::asks) {
    if (header.type == 'Q' && !client.simple_query_allowed) {
      return stop(walk, Need::fail, &kSimpleQueryDisallowed);
    }
    client.in_query = client.in_transaction = true;
    if (!server) return stop(walk, Need::server);
    if (server->pipeline.full()) return stop(walk, Need::room);
    ask(*server, rule.reply);
  } else {
    // PostgreSQL ignores these outside a COPY and with nothing to flush.
    if (!server || server->is_quiet()) {
      walk.swallow(header);
      return stop(walk, Need::none);
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
  // A complete header can be waiting from the last call, so this runs even without new bytes.
  while (true) {
    if (!walk.has_room()) return stop(walk, Need::flush);
    const bool was_streaming = !client.frame.at_boundary();
    if (!walk.finish_body()) break;
    if (was_streaming && server && is_released(*server, client)) return stop(walk, Need::release);
    FrameHeader header;
    if (walk.at_end() && client.frame.header_size < FrameWalk::kHeaderSize) break;
    if (!walk.next_header(header)) break;
    const bool known = kFrontend[static_cast<unsigned char>(header.type)].kind != Frontend::unknown;
    if (!known || is_bad_length(header, limits)) {
      walk.remember(header);
      return stop(walk, Need::fail, known ? &kBadHeader : &kUnknownPacket);
    }
    const Progress progress = take_client_message(walk, header, client, server);
    if (progress.need != Need::none) return progress;
  }
  return stop(walk, Need::none);
}

}  // namespace

Progress from_client(ClientView& client, ServerView* server, ByteView bytes, Egress& to_server,
                     const Limits& limits) noexcept {
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
  server.abandoned = true;
  return true;
}

void expect_internal_query(ServerView& server) {
  server.internal_failed = false;
  server.pipeline.push(Reply::query, Action::swallow);
}

}  // namespace remuda::session
