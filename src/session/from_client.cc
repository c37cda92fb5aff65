// The client's side of the conversation: what it may send, and what becomes of it.
#include <array>

#include "asking.h"
#include "frame_walk.h"
#include "remuda/session/conversation.h"
#include "second_try.h"
#include "simple_query.h"
#include "statement_messages.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

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
    if (!follows && server->unnamed.statement) server->unnamed.set({});
    if (ends_with_ready(rule.reply)) {
      ask_last(*server, Owed{rule.reply, Action::forward});
    } else {
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

// One that is looked at before it is sent on.
Progress take_gathered(FrameWalk& walk, const FrameHeader& header, ClientView& client,
                       ServerView* server, const Limits& limits, bool follows) {
  if (header.type == 'Q') {
    return take_simple_query(walk, header, client, server, limits, follows);
  }
  return take_statement_message(walk, header, client, server, limits);
}

Progress walk_client(FrameWalk& walk, ClientView& client, ServerView* server,
                     const Limits& limits) {
  const bool follows = follows_statements(client, limits);
  const bool reads_queries = follows || client.follows_settings();
  // A complete header can be waiting from the last call, so this runs even without new bytes.
  while (true) {
    if (reads_queries ? !walk.has_room_to_rewrite() : !walk.has_room())
      return stop(walk, Need::flush);
    const bool was_streaming = !client.frame.at_boundary();
    if (!walk.finish_body()) break;
    if (was_streaming && server && is_released(*server, client)) return stop(walk, Need::release);
    if (server && server->second_try.is_under_way()) return stop(walk, Need::room);
    FrameHeader header;
    if (walk.is_assembling()) {
      header = walk.assembled_header();
      const Progress progress = take_gathered(walk, header, client, server, limits, follows);
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
    const bool is_looked_at = (follows && is_about_statements(header.type, server)) ||
                              (reads_queries && header.type == 'Q');
    const Progress progress = is_looked_at
                                  ? take_gathered(walk, header, client, server, limits, follows)
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
  if (server) go_on_recording(*server, to_server);
  FrameWalk walk(client.frame, bytes, to_server);
  const Progress progress = walk_client(walk, client, server, limits);
  if (server) record(*server, to_server);
  return progress;
}

}  // namespace remuda::session
