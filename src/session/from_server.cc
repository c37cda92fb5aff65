// The server's side of the conversation: what it may send, and what that tells.
#include <algorithm>
#include <array>
#include <utility>

#include "asking.h"
#include "frame_walk.h"
#include "remuda/session/conversation.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/sqlstate.h"
#include "second_try.h"
#include "statement_messages.h"
#include "statement_undo.h"
#include "walk_end.h"

namespace remuda::session {
namespace {

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

// What others must not be given: the server is cleaned, or closed, before it is theirs.
void spoil(ServerView& server) noexcept {
  if (server.settings.is_followed()) {
    server.settings.lose();
  } else {
    server.suspect = true;
  }
}

// The settings change while this lives. A statement that was given its name under those before it
// may have been prepared under those behind it.
class ContextChange {
 public:
  explicit ContextChange(ServerView& server) noexcept : server_(server) {
    if (server.is_prepared_blindly) server.settings.add_context(before_);
  }
  ~ContextChange() {
    if (!server_.is_prepared_blindly) return;
    ParameterSet::Context after{};
    server_.settings.add_context(after);
    if (before_ != after) server_.suspect = true;
  }
  ContextChange(const ContextChange&) = delete;
  ContextChange& operator=(const ContextChange&) = delete;

 private:
  ServerView& server_;
  ParameterSet::Context before_{};
};

// Changes what the server reports, and texts may mean something else with.
bool is_reported_later(const StatementEffect& effect, const ParameterSet& reported) noexcept {
  using Kind = SettingChange::Kind;
  return std::any_of(
      effect.changes.begin(), effect.changes.end(), [&](const SettingChange& change) {
        const bool is_all = change.kind == Kind::reset_all || change.kind == Kind::discard_all;
        return is_all || (reported.find(change.name) && changes_meaning(change.name));
      });
}

void apply(ServerView& server, const StatementEffect& effect, ByteView tag) {
  if (!server.settings.is_followed()) return;
  const ContextChange change(server);
  apply_effect(server.settings, effect, tag, *server.reported);
  if (!is_reported_later(effect, *server.reported)) return;
  server.has_stale_parameters = true;
  server.suspect |= server.is_prepared_blindly;
}

void finish_command(ServerView& server, ClientView* client) {
  server.copy_in = false;
  server.syncs_in_copy = 0;
  answer<Reply::execute>(server, client);
}

// PortalSuspended: the rows asked for have come, and with them what their statement does.
void suspend_command(ServerView& server, ClientView* client) {
  if (!server.pipeline.empty() && server.pipeline.front().has_change) {
    const std::vector<QueryStep>& steps = server.changes.front().steps;
    if (!steps.empty()) apply(server, steps.front().effect, "SELECT 1");
  }
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

void fail_settings(ServerView& server) {
  const ContextChange change(server);
  server.settings.fail();
}

void fail_command(ServerView& server, ClientView* client) {
  server.copy_in = false;
  if (server.syncs_in_copy > 0) server.suspect = true;
  server.syncs_in_copy = 0;
  Pipeline& pipeline = server.pipeline;
  fail_settings(server);
  // A simple query goes on to its ReadyForQuery, and so does an error at Sync (a deferred
  // constraint). After one in the extended protocol the server skips to the next Sync.
  if (pipeline.empty()) return;
  if (ends_with_ready(pipeline.front().reply)) {
    if (!pipeline.front().has_change) return;
    StatementChange& change = server.changes.front();
    undo_steps(server, client, change.steps, change.completed);
    change.completed = change.steps.size();
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
  rules['s'] = {true, false, suspend_command};
  rules['G'] = {true, false, begin_copy_in};
  rules['W'] = {true, false, begin_copy_in};
  rules['E'] = {true, false, fail_command};
  rules['S'] = {true, true, nullptr};
  rules['Z'] = {true, true, nullptr};
  return rules;
}();

// The server has what nothing should be called: the client would be given what another made.
bool is_bound_nowhere(const Pipeline& pipeline, char type) noexcept {
  return type == '2' && !pipeline.empty() && pipeline.front().action == Action::replace;
}

// The answer to a Parse, Bind or Close that the client has not sent.
bool is_swallowed(const Pipeline& pipeline, char type) noexcept {
  if (pipeline.empty() || pipeline.front().action != Action::swallow) return false;
  const Reply reply = pipeline.front().reply;
  return (type == '1' && reply == Reply::parse) || (type == '2' && reply == Reply::bind) ||
         (type == '3' && reply == Reply::close);
}

// ---- What statements have done

bool ends_transaction(ByteView tag) noexcept {
  return tag == "COMMIT" || tag == "ROLLBACK" || tag == "PREPARE TRANSACTION";
}

// A statement of which nothing was to be expected.
void note_unexpected(ServerView& server, StatementKind kind, ByteView tag, bool follows) {
  const bool may_end = kind == StatementKind::unseen && ends_transaction(tag);
  if (server.settings.is_followed()) {
    if (is_setting_tag(tag) || (may_end && server.settings.is_at_stake())) spoil(server);
  }
  // Its name is the client's, and would be met by others.
  if (tag == "PREPARE" && follows) spoil(server);
}

// CommandComplete. True when the client has not sent that statement.
bool note_completed(ServerView& server, ByteView tag, bool follows) {
  if (server.pipeline.empty()) return false;
  const Owed owed = server.pipeline.front();
  if (owed.reply != Reply::query && owed.reply != Reply::execute) return false;
  if (owed.has_change && !server.changes.front().steps.empty()) {
    StatementChange& change = server.changes.front();
    if (change.completed == change.steps.size()) {
      spoil(server);
      return false;
    }
    const QueryStep& step = change.steps[change.completed++];
    if (!is_tag_of(step.effect.kind, tag)) server.suspect = true;
    apply(server, step.effect, tag);
    if (!step.is_ours && !step.server_added) {
      note_unexpected(server, StatementKind::other, tag == "PREPARE" ? tag : "", follows);
    }
    return step.is_ours;
  }
  if (is_known_by_kind(owed.kind)) {
    apply(server, {owed.kind, {}, {}}, tag);
  } else {
    note_unexpected(server, owed.kind, tag, follows);
  }
  return false;
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

// The last statement of a query has run when its transaction fails at its end, and what it did to
// prepared statements is not undone with that.
void heed_failed_commit(ServerView& server, ClientView* client, const SqlState& state) {
  const Owed owed = server.pipeline.front();
  if (owed.reply != Reply::query || !owed.has_change) return;
  StatementChange& change = server.changes.front();
  if (change.completed + 1 != change.steps.size()) return;
  const ByteView kind = state.view().substr(0, 2);
  const QueryStep& last = change.steps.back();
  if (kind == "23" || kind == "40") {
    ++change.completed;
    if (last.effect.kind == StatementKind::deallocate_all) forget_statements(server, client);
  } else if (kind != "42" && change.completed > 0 && last.server_added) {
    server.suspect = true;  // which of both it was cannot be told
  }
}

// An error that tells more than that something failed. True when nobody else is to be told.
bool heed_error(ServerView& server, ClientView* client, ByteView message) {
  const Reply failed = server.pipeline.front().reply;
  const wire::ErrorFields fields = wire::parse_error_fields(message.substr(FrameWalk::kHeaderSize));
  const SqlState& state = fields.sqlstate;
  heed_failed_commit(server, client, state);
  if (!client) return false;
  // The server does not have what it should have, or the reverse.
  const bool refers = failed == Reply::bind || failed == Reply::describe || failed == Reply::query;
  if (state == wire::sqlstate::kUndefinedPreparedStatement && refers) server.suspect = true;
  const bool is_followed = failed == Reply::execute && server.pipeline.front().has_change;
  const bool makes = failed == Reply::parse || failed == Reply::query || is_followed;
  if (state == wire::sqlstate::kDuplicatePreparedStatement && makes) server.suspect = true;
  if (try_again(server, *client, fields)) return true;
  if (state == wire::sqlstate::kFeatureNotSupported && fields.routine == "RevalidateCachedQuery") {
    renew_statements(*client);
  }
  return false;
}

// The error that the client is given in the place of the server's; empty: the server's.
std::string take_own_error(ServerView& server) {
  if (server.pipeline.empty() || !server.pipeline.front().has_change) return {};
  StatementChange& change = server.changes.front();
  if (server.pipeline.front().action == Action::replace) return std::move(change.error);
  if (change.completed >= change.steps.size()) return {};
  return std::move(change.steps[change.completed].error);
}

ByteView tag_of(ByteView message) noexcept {
  const ByteView text = message.substr(FrameWalk::kHeaderSize);
  return text.substr(0, text.find('\0'));
}

bool ends_prepared_statements(ByteView tag) noexcept {
  return tag == "DISCARD ALL" || tag == "DEALLOCATE ALL";
}

// A tag that is looked at whatever was asked: it tells of what could not be seen.
bool may_be_telling(const FrameHeader& header) noexcept {
  for (const ByteView tag : {"SET", "RESET", "PREPARE", "DISCARD ALL", "DEALLOCATE ALL"}) {
    if (header.length == 4 + tag.size() + 1) return true;
  }
  return false;
}

// An error is looked at where it may be about prepared statements, CommandComplete where its
// statement has an effect.
bool is_needed_whole(const FrameHeader& header, const Pipeline& pipeline) noexcept {
  if (header.type != 'E' && header.type != 'C') return false;
  if (pipeline.empty()) return false;
  const Owed owed = pipeline.front();
  if (header.type == 'E') return owed.has_change || !ends_with_ready(owed.reply);
  return owed.has_change || owed.kind != StatementKind::other || may_be_telling(header);
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

void end_query(ServerView& server, bool is_ours) {
  const ContextChange change(server);
  server.has_stale_parameters = false;
  if (!is_ours) {
    server.settings.ready(server.status);
  } else if (server.status == TransactionStatus::idle) {
    server.settings.rollback();
  }
}

const Fault* note_ready(ServerView& server, ClientView* client, bool is_ours, ByteView message) {
  const char status = message.size() == 6 ? message[5] : '\0';
  if (!is_transaction_status(status)) return &kServerProtocol;
  server.status = static_cast<TransactionStatus>(status);
  server.copy_in = false;
  server.skipping = false;
  if (!answer_ready(server)) return &kServerProtocol;
  const bool is_idle = server.status == TransactionStatus::idle;
  end_query(server, is_ours);
  if (server.pipeline.empty()) {
    server.in_batch = server.has_asked = server.abandoned = false;
    server.may_set = server.is_prepared_blindly = false;
    server.second_try.forget();
    if (is_idle && !server.portals.empty()) server.portals.clear();
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
    if (server.settings.needs_replay()) server.settings.replayed();
  }
  return nullptr;
}

// An ErrorResponse or CommandComplete that is needed whole has arrived.
void take_outcome(FrameWalk& walk, ServerView& server, ClientView* client, const Limits& limits,
                  ByteView message) {
  const bool internal = is_internal(server.pipeline);
  const bool follows = client && follows_statements(*client, limits);
  std::string ours;
  bool is_ours = false;
  server.has_replied = true;
  if (message[0] == 'E') {
    ours = take_own_error(server);
    if (internal) {
      server.internal_failed = true;
    } else {
      const bool is_telling = ours.empty() && !server.pipeline.empty();
      if (is_telling && heed_error(server, follows ? client : nullptr, message)) {
        return walk.swallow_whole();
      }
      fail_command(server, client);
    }
  } else {
    const ByteView tag = tag_of(message);
    if (ends_prepared_statements(tag)) forget_statements(server, internal ? nullptr : client);
    if (!internal) {
      is_ours = note_completed(server, tag, follows);
      finish_command(server, client);
    }
  }
  if (internal || !client || is_ours) {
    walk.swallow_whole();
  } else if (!ours.empty()) {
    walk.swallow_whole();
    walk.out().copy(ours);
  } else {
    walk.forward_whole(message);
  }
}

// A message of a server that tries a batch again, or nearly did; `message` is empty where that is
// not needed whole.
Told take_second(ServerView& server, ClientView* client, char type, ByteView message) {
  if (!server.second_try.is_under_way()) return Told::as_usual;
  if (!client && give_up_second_try(server)) {
    fail_command(server, nullptr);
    return Told::as_usual;
  }
  return take_second_answer(server, type, message);
}

// A message from the server that is needed whole has arrived. A faulty one is not sent on.
Progress take_whole(FrameWalk& walk, ServerView& server, ClientView* client, const Limits& limits,
                    ByteView message) {
  const Told told = take_second(server, client, message[0], message);
  if (told != Told::as_usual) {
    walk.swallow_whole();
    if (told == Told::wrong) return stop(walk, Need::fail, &kServerProtocol);
    return stop(walk, told == Told::resend ? Need::resend : Need::none);
  }
  if (message[0] == 'E' || message[0] == 'C') {
    take_outcome(walk, server, client, limits, message);
    return stop(walk, Need::none);
  }
  const bool internal = is_internal(server.pipeline);
  const bool ready = message[0] == 'Z';
  const Fault* fault = nullptr;
  if (ready) {
    fault = note_ready(server, internal ? nullptr : client, internal, message);
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
          const Told told = take_second(server, client, header.type, {});
          if (told == Told::wrong || is_bound_nowhere(server.pipeline, header.type)) {
            return stop(walk, Need::fail, &kServerProtocol);
          }
          const bool swallowed =
              told == Told::swallow || is_swallowed(server.pipeline, header.type);
          if (whole) server.suspect = true;  // a tag, or an error, too long to be looked at
          if (rule.note && told == Told::as_usual) rule.note(server, client);
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

}  // namespace

Progress from_server(ServerView& server, ClientView* client, ByteView bytes, Egress& to_client,
                     const Limits& limits) noexcept {
  FrameWalk walk(server.frame, bytes, to_client);
  return walk_server(walk, server, client, limits);
}

bool has_answers(const ServerView& server) noexcept {
  return server.flushes_answers && server.frame.at_boundary();
}

void take_answers(ServerView& server, Egress& to_client) noexcept {
  if (put_answers(server, true, to_client)) server.flushes_answers = false;
}

}  // namespace remuda::session
