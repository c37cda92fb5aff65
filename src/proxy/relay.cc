#include "proxy/relay.h"

#include <uv.h>

#include "proxy/lost_server.h"
#include "proxy/pool_shard.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/session/egress.h"
#include "remuda/session/first_request.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/frame.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

using session::Egress;
using session::Need;
using session::Progress;

// A client that waits is read on until this much is parked.
constexpr size_t kMaxParked = 64 * 1024;

static_assert(sizeof(uv_buf_t) == sizeof(iovec));
static_assert(offsetof(uv_buf_t, base) == offsetof(iovec, iov_base));
static_assert(offsetof(uv_buf_t, len) == offsetof(iovec, iov_len));

io::WriteResult send(io::Stream& stream, Egress& egress) noexcept {
  const auto runs = egress.runs();
  if (runs.empty()) return io::WriteResult::done;
  return stream.write(reinterpret_cast<const uv_buf_t*>(runs.data()), runs.size());
}

void begin_query(Client& client) noexcept {
  Stats& stats = client.pool.stats.now;
  client.query_start = client.request_time = client.worker.now();
  ++stats.queries;
  if (client.transaction_start == 0) {
    ++stats.transactions;
    client.transaction_start = client.query_start;
  }
}

void note_answered(Client& client) noexcept {
  Stats& stats = client.pool.stats.now;
  const Micros now = client.worker.now();
  if (client.query_start != 0 && !client.view.in_query) {
    stats.query_time += static_cast<uint64_t>(now - client.query_start);
    client.query_start = 0;
    client.idle_since = now;
  }
  if (client.transaction_start != 0 && !client.view.in_transaction) {
    stats.transaction_time += static_cast<uint64_t>(now - client.transaction_start);
    client.transaction_start = 0;
  }
}

void note_statements(Client& client, const session::StatementCounts& counts) {
  Stats& stats = client.pool.stats.now;
  stats.client_parses += counts.client_parses;
  stats.server_parses += counts.server_parses;
  stats.binds += counts.binds;
  if (!client.view.statements || client.view.statements->complaint.empty()) return;
  log::error("{} {}", log_name(client), std::exchange(client.view.statements->complaint, {}));
}

// What it has asked to be flushed, or takes room, and no server was asked for. False: nothing.
bool send_answers(Client& client) {
  if (!has_answers(client.server->view)) return false;
  while (has_answers(client.server->view)) {
    Egress egress(client.worker.scratch);
    take_answers(client.server->view, egress);
    send(client.stream, egress);
  }
  return true;
}

bool follows_parameters(const Client& client) {
  return client.worker.config().track_session_settings != config::TrackSettings::off;
}

// Puts the client's parameters in front of what it sends. False when it must wait for the outcome.
bool replay_parameters(Client& client, Egress& egress) {
  session::ServerView& server = client.server->view;
  client.replay_due = false;
  if (!session::needs_replay(client.view, server) || !follows_parameters(client)) return true;
  std::string message;
  const std::string sql = session::replay_sql(client.view, server);
  if (log::is_enabled(log::Level::debug)) {
    log::debug("{} varcache_apply: {}", log_name(*client.server), sql);
  }
  wire::query(message, sql);
  session::expect_internal_query(server);
  if (!egress.copy(message)) client.server->stream.write(std::string_view(message));
  client.awaits_replay = client.unproven_values;
  return !client.awaits_replay;
}

// What the client is about to learn of its values, for those who debug: nothing otherwise.
session::ParameterSetRef asked_values(const Client* client) {
  const bool is_told = client && client->awaits_replay && log::is_enabled(log::Level::debug);
  return is_told ? client->view.parameters : session::ParameterSetRef();
}

void log_canonical(const Client& client, const session::ParameterSet& asked) {
  for (const auto& [name, value] : asked.values()) {
    const std::string* now = client.view.parameters->find(name);
    if (!now || *now == value) continue;
    log::debug("{} varcache_set_canonical: setting {} to its canonical version {} -> {}",
               log_name(client), name, value, *now);
  }
}

void fail_protocol(Client& client, const Progress& progress) {
  std::string text = progress.fault->text;
  if (text == "bad packet header") {
    const auto& header = client.view.frame.header;
    text = wire::bad_header_text({header, sizeof header});
  }
  fail_client(client, progress.fault->sqlstate, text);
}

// Does what the conversation asks for. False: no more of the client's bytes are used up now.
bool meet_need(Client& client, const Progress& progress, bool is_answered) noexcept {
  switch (progress.need) {
    case Need::none:
      return false;
    case Need::flush:
      return !client.server || client.server->stream.backlog() == 0;
    case Need::server:
      return client.pool.acquire(client) != nullptr;
    case Need::room:
      client.needs_room = !is_answered;
      return is_answered;
    case Need::release: {
      Server& server = *client.server;
      client.pool.unlink(client);
      client.pool.release(server);
      return true;
    }
    case Need::resend:  // only a server's bytes need that
      return false;
    case Need::terminate:
      client.said_goodbye = true;
      close_client(client, "client close request");
      return false;
    case Need::fail:
      fail_protocol(client, progress);
      return false;
  }
  return false;
}

// Feeds bytes to the conversation as far as they go. Returns how many were used up; what is left
// must be parked. After this the client may be closing.
size_t feed(Client& client, ByteView bytes) noexcept {
  Worker& worker = client.worker;
  size_t used = 0;
  while (true) {
    Egress egress(worker.scratch);
    if (client.replay_due && !replay_parameters(client, egress)) {
      send(client.server->stream, egress);
      return used;
    }
    if (client.server && client.server->claim.entry()) {
      client.server->beginning.note(bytes.substr(used));
    }
    const Progress progress =
        from_client(client.view, client.server ? &client.server->view : nullptr, bytes.substr(used),
                    egress, worker.limits());
    used += progress.consumed;
    if (client.view.in_query && client.query_start == 0) begin_query(client);
    note_statements(client, progress.counts);
    // A server that cannot be written to will tell by its read side, after what it still had to
    // say.
    bool is_answered = false;
    if (client.server) {
      send(client.server->stream, egress);
      is_answered = send_answers(client);
    }
    if (!meet_need(client, progress, is_answered)) return used;
  }
}

bool is_held_up(const Client& client) noexcept {
  return client.wait_start != 0 || client.needs_room || client.awaits_replay ||
         client.stream.backlog() > 0 || (client.server && client.server->stream.backlog() > 0);
}

void park(Client& client, ByteView bytes) {
  client.parked.append(bytes);
}

std::string server_fault_text(const session::Fault& fault, bool has_client) {
  if (&fault == &session::kInternalQueryFailed) {
    return has_client ? session::kInvalidParameter.text : "reset query failed";
  }
  return fault.text;
}

// What an idle server has to say before it goes is worth a line.
void log_last_words(const Server& server, ByteView bytes) {
  if (bytes.size() <= 5 || bytes[0] != 'E') return;
  const wire::ErrorFields fields = wire::parse_error_fields(bytes.substr(5));
  log::warning("{} {}: {}", log_name(server), fields.severity, fields.message);
}

void server_fault(Server& server, const session::Fault& fault) {
  // A connect_query may fail, but it must be over: a COPY or an open transaction is not.
  if (&fault == &session::kInternalQueryFailed && server.runs_connect_query &&
      server.view.is_quiet()) {
    log::error("{} error while executing exec_on_query", log_name(server));
    server.view.internal_failed = false;
    server.view.settings.discard();
    return server.pool.tested(server);
  }
  const std::string text = server_fault_text(fault, server.client != nullptr);
  if (!server.client) {
    close_server(server, text);
    return;
  }
  fail_server(server, text, fault.sqlstate, text);
}

}  // namespace

void pump(Client& client) noexcept {
  while (!client.closing && !is_held_up(client)) {
    if (client.parked.empty()) {
      // A header that was complete when the client had to wait may stand alone.
      const session::FrameState& frame = client.view.frame;
      if (frame.header_size == 5 || frame.assembly || client.replay_due) feed(client, {});
      break;
    }
    const ByteView front = client.parked.front();
    const size_t used = feed(client, front);
    client.parked.consume(used);
    if (used == 0 && is_held_up(client)) break;
  }
  if (!client.closing) update_reading(client);
}

bool cancel_queued(Client& client) noexcept {
  if (client.state() != ClientState::waiting) return false;
  session::FrameState& frame = client.view.frame;
  std::string bytes =
      frame.assembly ? *frame.assembly : std::string(frame.header, frame.header_size);
  const size_t held = bytes.size();
  for (; !client.parked.empty(); client.parked.consume(client.parked.front().size())) {
    bytes += client.parked.front();
  }
  const std::optional<size_t> size = session::first_request(bytes);
  if (!size) {
    park(client, ByteView(bytes).substr(held));
    return false;
  }
  client.pool.leave_queue(client);
  client.replay_due = false;
  frame.header_size = 0;
  frame.assembly.reset();
  client.view.in_query = client.view.in_transaction = false;
  note_answered(client);
  park(client, ByteView(bytes).substr(*size));
  std::string out;
  wire::error_response(out, "ERROR", wire::sqlstate::kQueryCanceled,
                       "canceling statement due to user request");
  wire::ready_for_query(out, 'I');
  client.stream.write(out);
  pump(client);
  return true;
}

bool is_settled(const Client& client) noexcept {
  const session::FrameState& frame = client.view.frame;
  return client.stream.backlog() == 0 && client.parked.empty() && client.wait_start == 0 &&
         !client.replay_due && !client.awaits_replay && frame.at_boundary() &&
         frame.holds_nothing();
}

bool is_settled(const Server& server) noexcept {
  const session::FrameState& frame = server.view.frame;
  return server.state != ServerState::tested && !server.lease && server.stream.backlog() == 0 &&
         frame.at_boundary() && frame.holds_nothing();
}

void update_reading(Client& client) noexcept {
  const bool stop = client.stream.backlog() > 0 || client.parked.size() >= kMaxParked ||
                    client.needs_room || (client.server && client.server->stream.backlog() > 0) ||
                    (client.worker.suspension() != Suspension::none && is_settled(client));
  if (stop) {
    client.stream.pause_reading();
  } else {
    client.stream.resume_reading();
  }
}

void update_reading(Server& server) noexcept {
  const bool is_suspended = server.worker.suspension() == Suspension::all && is_settled(server);
  if (is_suspended || (server.client && server.client->stream.backlog() > 0)) {
    server.stream.pause_reading();
  } else {
    server.stream.resume_reading();
  }
}

void Client::on_bytes(char* data, size_t size) noexcept {
  pool.stats.now.received += size;
  const ByteView bytes(data, size);
  if (is_held_up(*this) || !parked.empty()) {
    park(*this, bytes);
  } else {
    const size_t used = feed(*this, bytes);
    if (closing) return;
    if (used < size) {
      park(*this, bytes.substr(used));
      if (!is_held_up(*this)) return pump(*this);
    }
  }
  update_reading(*this);
}

void Client::on_end(int error) noexcept {
  close_client(*this, error == 0 ? "client unexpected eof" : "client connection lost");
}

void Client::on_drained() noexcept {
  if (server) update_reading(*server);
  pump(*this);
}

namespace {

// All is answered: the server goes to others, and its client goes on without one.
void become_free(Server& server) noexcept {
  Client* const client = server.client;
  if (!client) return server.pool.tested(server);
  server.pool.unlink(*client);
  server.pool.release(server);
  if (client->worker.ends_clients() && end_if_free(*client)) return;
  pump(*client);
}

// After replies that leave the server where it is: whoever has waited for them goes on.
void go_on(Server& server) noexcept {
  Client* const client = server.client;
  const session::ServerView& view = server.view;
  if (server.worker.suspension() != Suspension::none) update_reading(server);
  if (!client) {
    // What its last client left is answered, and a transaction is open.
    if (!server.lease && view.is_answered()) server.pool.tested(server);
    return;
  }
  if (server.worker.ends_clients() && end_if_free(*client)) return;
  if (client->awaits_replay && view.pipeline.empty()) {
    client->awaits_replay = client->unproven_values = false;
    return pump(*client);
  }
  if (client->needs_room && !view.pipeline.full()) {
    client->needs_room = false;
    pump(*client);
  }
}

// The batch that its client waits for goes to it once more.
void resend(Server& server) noexcept {
  Egress egress(server.worker.scratch);
  put_second_try(server.view, egress);
  send(server.stream, egress);
  ++server.pool.stats.now.server_parses;
}

}  // namespace

void Server::on_bytes(char* data, size_t size) noexcept {
  ByteView bytes(data, size);
  const bool ends = claim.entry() && look_for_alarm(*this, bytes);
  if (ends && begin_elsewhere(*this, "server ends")) return;
  if (!client && state == ServerState::idle) {
    // Nobody has asked it anything: whatever this is, it must not reach the next client.
    log_last_words(*this, bytes);
    return close_server(*this, "idle server got dirty");
  }
  if (client) pool.stats.now.sent += size;
  while (!closing) {
    Egress egress(worker.scratch);
    Client* const to = client;
    const session::ParameterSetRef asked = asked_values(to);
    const Progress progress =
        from_server(view, to ? &to->view : nullptr, bytes, egress, worker.limits());
    bytes.remove_prefix(progress.consumed);
    if (asked) log_canonical(*to, *asked);
    if (to) {
      if (to->query_start != 0 || to->transaction_start != 0) note_answered(*to);
      const io::WriteResult result = send(to->stream, egress);
      if (result == io::WriteResult::broken) return close_client(*to, "client connection lost");
      if (result == io::WriteResult::backlog) {
        update_reading(*to);
        update_reading(*this);
      }
    }
    if (progress.need == Need::resend) resend(*this);
    if (progress.need == Need::fail) return server_fault(*this, *progress.fault);
    if (progress.need == Need::release) {
      // Whatever follows was not asked for by anybody: such a server is not lent again.
      if (!bytes.empty()) view.suspect = true;
      return become_free(*this);
    }
    if (progress.need == Need::none) break;
  }
  if (!closing) go_on(*this);
}

void Server::on_end(int error) noexcept {
  (void)error;
  if (claim.entry()) {
    worker.shared.hosts.alarm(claim.entry());
    if (begin_elsewhere(*this, "server conn crashed?")) return;
    const LostServer lost = describe_loss(*this, "the connection to it was lost");
    fail_server(*this, "server conn crashed?", lost.sqlstate, lost.text);
  } else if (client) {
    fail_server(*this, "server conn crashed?", wire::sqlstate::kProtocolViolation,
                "server conn crashed?");
  } else {
    close_server(*this, "server conn crashed?");
  }
}

void Server::on_drained() noexcept {
  if (client) {
    pump(*client);
  } else if (state == ServerState::tested) {
    pool.tested(*this);
  }
}

}  // namespace remuda::proxy
