#include "statement_messages.h"

#include <algorithm>

#include "asking.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"
#include "statement_message.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

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
constexpr ByteView kFlush{"H\0\0\0\4", 5};

StatementNames read_names(ByteView message) noexcept {
  const bool has_kind = message[0] == 'D' || message[0] == 'C';
  wire::Reader reader(message.substr(kHeaderSize));
  if (has_kind) reader.u8();
  StatementNames names;
  names.first = reader.cstring();
  if (message[0] == 'B') names.second = reader.cstring();
  names.are_there = reader.ok();
  names.rest = reader.rest();
  return names;
}

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
  const StatementNames names = read_names(gathered.message);
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
    walk.take(header, 0, FrameState::Body::swallow);
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
    walk.take(header, 0, FrameState::Body::forward);
    return stop(walk, Need::none);
  }
  const StatementNames names = read_names(message);
  if (!names.are_there) return stop(walk, Need::fail, &kMalformed);
  if (names.first.size() > kMostNames) return stop(walk, Need::fail, &kNameTooLong);
  return stop(walk, about.take(names) ? Need::none : Need::room);
}

void ask_for_answers(FrameWalk& walk, ServerView& server) noexcept {
  server.flushes_answers = server.pipeline.front().action == Action::answer;
  walk.out().copy(kFlush);
}

}  // namespace remuda::session
