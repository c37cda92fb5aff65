#include "second_try.h"

#include <algorithm>

#include "put_message.h"
#include "remuda/wire/reader.h"
#include "remuda/wire/sqlstate.h"
#include "statement_undo.h"

namespace remuda::session {
namespace {

// The messages of a batch, all of which are whole.
class BatchReader {
 public:
  explicit BatchReader(ByteView batch) noexcept : left_(batch) {}

  // Empty at the end.
  ByteView next() noexcept {
    if (left_.empty()) return {};
    const ByteView message = left_.substr(0, size_t{1} + load_u32(left_.data() + 1));
    left_.remove_prefix(message.size());
    return message;
  }

 private:
  ByteView left_;
};

// The name of a statement in Bind or Describe; empty for other messages.
ByteView named_in(ByteView message) noexcept {
  const bool binds = message[0] == 'B';
  if (!binds && message[0] != 'D') return {};
  wire::Reader reader(message.substr(FrameWalk::kHeaderSize));
  if (binds) {
    reader.cstring();
  } else if (reader.u8() != 'S') {
    return {};
  }
  const ByteView name = reader.cstring();
  return reader.ok() ? name : ByteView();
}

// The batch is all the server has to answer, and of it nothing has been answered.
bool is_untouched(const ServerView& server) noexcept {
  size_t asked = 0;
  BatchReader messages(server.second_try.batch);
  for (ByteView next = messages.next(); !next.empty(); next = messages.next()) {
    asked += next[0] != 'H';
  }
  const Pipeline& pipeline = server.pipeline;
  for (size_t i = 0; i < pipeline.size(); ++i) {
    if (pipeline.at(i).action == Action::answer) continue;
    if (asked-- == 0) return false;
  }
  return asked == 0;
}

bool is_curable(const wire::ErrorFields& error) noexcept {
  if (error.sqlstate == wire::sqlstate::kUndefinedPreparedStatement) return true;
  return error.sqlstate == wire::sqlstate::kFeatureNotSupported &&
         error.routine == "RevalidateCachedQuery";
}

}  // namespace

void begin_recording(ServerView& server, const StatementRef& statement, const Egress& out) {
  SecondTry& second = server.second_try;
  if (server.has_asked || server.status != TransactionStatus::idle) return;
  if (statement->mapping() || statement->form() != Statement::Form::parse) return;
  second.stage = SecondTry::Stage::recording;
  second.statement = statement;
  second.digest = statement->digest();
  second.is_described = false;
  second.number = server.batch;
  second.begin = out.size();
  second.batch.clear();
}

void record(ServerView& server, Egress& out) {
  SecondTry& second = server.second_try;
  if (second.stage != SecondTry::Stage::recording) return;
  const uint32_t ended = server.batch - second.number;
  // With another one behind it, it cannot be sent again.
  if (ended > 1 || (ended == 1 && !second.is_described)) return second.forget();
  size_t skipped = second.begin;
  for (const iovec& run : out.runs()) {
    const size_t before = std::min(skipped, run.iov_len);
    skipped -= before;
    if (second.batch.size() + run.iov_len - before > SecondTry::kMostKept) return second.forget();
    second.batch.append(static_cast<const char*>(run.iov_base) + before, run.iov_len - before);
  }
  second.begin = 0;
  if (ended == 1) second.stage = SecondTry::Stage::kept;
}

bool try_again(ServerView& server, ClientView& client, const wire::ErrorFields& error) {
  SecondTry& second = server.second_try;
  if (second.stage != SecondTry::Stage::kept || !is_curable(error)) return false;
  const Owed failed = server.pipeline.front();
  const bool refers = failed.reply == Reply::bind || failed.reply == Reply::describe;
  if (!refers || failed.action != Action::forward || second.number + 1 != server.batch) {
    return false;
  }
  if (server.status != TransactionStatus::idle || !client.frame.at_boundary()) return false;
  if (!is_untouched(server)) return false;
  // Unless another client has met the same.
  if (second.statement->digest() == second.digest) {
    second.statement->renew();
    renew_statements(client);
  }
  second.stage = SecondTry::Stage::failed;
  return true;
}

void put_second_try(ServerView& server, Egress& to_server) {
  SecondTry& second = server.second_try;
  const StatementName before = server_name(second.digest);
  // It may have had that name here before, when others used it.
  while (server.statements.use(second.statement->digest())) second.statement->renew();
  const StatementName now = server_name(second.statement->digest());
  put_reference(to_server, 'C', second.digest);
  server.statements.remove(second.digest);
  const ByteView body = second.statement->body();
  put_header(to_server, 'P', now.size() + 1 + body.size());
  put_cstring(to_server, view_of(now));
  put_text(to_server, body);
  BatchReader messages(second.batch);
  for (ByteView next = messages.next(); !next.empty(); next = messages.next()) {
    const ByteView name = named_in(next);
    if (name != view_of(before)) continue;
    const auto at = static_cast<size_t>(name.data() - second.batch.data());
    std::copy(now.begin(), now.end(), second.batch.begin() + static_cast<ptrdiff_t>(at));
  }
  to_server.copy(second.batch);
  server.statements.add(second.statement->digest());
  second.digest = second.statement->digest();
  second.stage = SecondTry::Stage::closing;
}

Told take_second_answer(ServerView& server, char type, ByteView message) {
  SecondTry& second = server.second_try;
  if (type == 'S' || type == 'N' || type == 'A') return Told::as_usual;
  if (second.stage == SecondTry::Stage::failed) {
    const bool is_idle =
        type == 'Z' && message.size() == FrameWalk::kHeaderSize + 1 && message.back() == 'I';
    if (!is_idle) return Told::wrong;
    second.stage = SecondTry::Stage::due;
    return Told::resend;
  }
  if (type == 'E') {
    server.statements.remove(second.digest);
    second.forget();
    return Told::as_usual;
  }
  if (second.stage == SecondTry::Stage::closing && type == '3') {
    second.stage = SecondTry::Stage::preparing;
    return Told::swallow;
  }
  if (second.stage == SecondTry::Stage::preparing && type == '1') {
    second.forget();
    return Told::swallow;
  }
  return Told::wrong;
}

bool give_up_second_try(ServerView& server) noexcept {
  SecondTry& second = server.second_try;
  if (second.stage != SecondTry::Stage::failed) return false;
  second.forget();
  return true;
}

}  // namespace remuda::session
