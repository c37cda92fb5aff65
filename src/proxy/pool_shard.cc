#include "proxy/pool_shard.h"

#include "config/effective.h"
#include "proxy/auth_query.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {

PoolShard::PoolShard(Worker& its_worker, std::shared_ptr<Ledger> its_ledger)
    : worker(its_worker),
      ledger(std::move(its_ledger)),
      secrets(its_worker.loop, its_worker.tasks,
              [this](const auth::SecretCache::Key& key) { return fetch_secret(*this, key); }),
      last_use_(its_worker.now()) {
  adopt(worker.config());
}

List<Server, InState>& PoolShard::list_of(ServerState state) noexcept {
  if (state == ServerState::idle) return idle_;
  return state == ServerState::active ? active_ : tested_;
}

List<Client, InClientState>& PoolShard::list_of(ClientState state) noexcept {
  if (state == ClientState::idle) return idle_clients_;
  return state == ClientState::active ? active_clients_ : waiting;
}

void PoolShard::adopt(const config::Config& config) {
  secrets.reset(config.auth_query_cache_ttl);
  const auto database = route::find_database(config, database_name());
  if (!database) {
    drop_clients("database removed");
    mark_for_close();
    return;
  }
  const config::User* user = route::find_user(config, user_name());
  settings.mode = config::pool_mode(config, *database, user);
  settings.size = config::pool_size(config, *database, user);
  settings.min_size = config::min_pool_size(config, *database);
  settings.server_lifetime = config::server_lifetime(config, *database);
  settings.query_wait_timeout = config::query_wait_timeout(config, *database, user);
  settings.has_forced_user = database->user.has_value();
  find_cluster(*database);
}

bool PoolShard::is_paused() const noexcept {
  return worker.shared.ledgers.is_paused(*ledger->database);
}

Server* PoolShard::acquire(Client& client) {
  if (worker.shared.shutdown == Shutdown::wait_for_servers) {
    fail_client(client, wire::sqlstate::kProtocolViolation, "server shutting down");
    return nullptr;
  }
  if (!has_waiters() && !is_paused()) {
    if (Server* server = take_idle(1)) {
      link(client, *server);
      return server;
    }
  }
  if (is_failing() && has_no_server() && !cluster_) {
    const DialFailure failure = cached_failure();
    fail_client(client, failure.sqlstate, failure.message);
    return nullptr;
  }
  if (no_host_since_ != 0 && !may_wait_for_host()) {
    fail_client(client, wire::sqlstate::kTooManyConnections, "too many clients wait for a host");
    return nullptr;
  }
  queue(client);
  try_dial();
  ask_others();
  return nullptr;
}

void PoolShard::queue(Client& client) {
  waits.advance(worker.now(), waiting.size());
  waits.begin_wait();
  move_to(client, waiting);
  client.wait_start = worker.now();
  client.wait_notified = false;
  worker.somebody_waits();
}

void PoolShard::leave_queue(Client& client) {
  if (client.wait_start == 0) return;
  const Micros now = worker.now();
  waits.advance(now, waiting.size());
  move_to(client, idle_clients_);
  stats.now.wait_time += static_cast<uint64_t>(now - client.wait_start);
  client.wait_start = 0;
  client.idle_since = now;
  note_fed();
}

// The most recently used server, or the least recently used one with server_round_robin. One that
// has been idle for long is checked first, and comes back through tested().
Server* PoolShard::take_idle(size_t wanted) {
  const config::Config& config = worker.config();
  while (!idle_.empty()) {
    Server& server = config.server_round_robin ? idle_.back() : idle_.front();
    if (is_stale(server)) {
      close_server(server, stale_reason(server));
      continue;
    }
    const bool needs_check = !config.server_check_query.empty() && !server.just_checked &&
                             worker.now() - server.idle_since >= config.server_check_delay;
    if (!needs_check) return &server;
    if (tested_.size() >= wanted) return nullptr;
    server.just_checked = true;
    const bool empty_query = config.server_check_query == "<empty>";
    start_internal(server, empty_query ? "" : config.server_check_query);
  }
  return nullptr;
}

void PoolShard::link(Client& client, Server& server) {
  move_to(server, ServerState::active);
  move_to(client, active_clients_);
  server.client = &client;
  server.request_time = worker.now();
  server.was_used = true;
  server.is_clean = false;
  server.just_checked = false;
  client.server = &server;
  session::link(client.view, server.view);
  client.replay_due = true;
  ++stats.now.server_assignments;
}

void PoolShard::unlink(Client& client) {
  Server& server = *client.server;
  move_to(client, idle_clients_);
  client.server = nullptr;
  client.idle_since = worker.now();
  client.awaits_replay = client.needs_room = client.replay_due = false;
  session::unlink(client.view, server.view);
  server.client = nullptr;
  move_to(server, ServerState::tested);
  update_reading(server);
}

void PoolShard::release(Server& server) {
  note_reset_due(server);
  settle(server, worker.now());
}

void PoolShard::note_reset_due(Server& server) noexcept {
  const config::Config& config = worker.config();
  server.needs_reset =
      (settings.mode == config::PoolMode::session || config.server_reset_query_always) &&
      !config.server_reset_query.empty();
}

void PoolShard::tested(Server& server) {
  if (server.view.is_quiet()) server.runs_connect_query = false;
  if (server.was_reset && server.view.is_quiet()) {
    server.was_reset = false;
    server.view.parameters = session::after_replay(
        server.view.parameters, worker.parameters.empty_set(), server.view.reported);
    session::apply_text(server.view.settings, server.reset_query, *server.view.reported);
  }
  settle(server, worker.now());
}

// A server without a client goes on to be lent when nothing is left to be done with it.
void PoolShard::settle(Server& server, Micros idle_since) {
  if (server.closing || server.lease) return;
  if (server.view.suspect) return close_server(server, "replies out of step");
  // A query that goes on behind a closed connection would keep its locks.
  const bool runs_on = server.abandoned_at != 0 && !server.view.is_answered();
  if (is_stale(server) && !runs_on)
    return close_server(server, is_lost(server) ? stale_reason(server) : "close_needed");
  if (!server.view.is_answered() || server.stream.backlog() > 0 || server.cancels > 0) return;
  if (!server.view.is_quiet()) {
    // Its client has left. A cancel request on its way must not hit this.
    start_internal(server, "ROLLBACK");
    return;
  }
  if (server.needs_reset) {
    server.needs_reset = false;
    return start_reset(server, worker.config().server_reset_query);
  }
  if (server.view.settings.is_lost()) {
    // What connect_query has done, beside settings, would be gone too.
    if (has_connect_query()) return close_server(server, "settings that cannot be followed");
    return start_reset(server, "DISCARD ALL");
  }
  make_available(server, idle_since);
}

void PoolShard::start_reset(Server& server, std::string sql) {
  server.was_reset = true;
  server.reset_query = std::move(sql);
  start_internal(server, server.reset_query);
}

void PoolShard::make_available(Server& server, Micros idle_since) {
  const Micros now = worker.now();
  const int limit = settings.size;
  server.abandoned_at = 0;
  if (is_paused()) return close_server(server, "pause mode");
  if (is_worn_out(server, now)) {
    ledger->last_lifetime_close = now;
    close_server(server, "server lifetime over");
    return try_dial();
  }
  if (limit > 0 && ledger->servers.used() > limit + ledger->reserve.load()) {
    return close_server(server, "too many servers in the pool");
  }
  server.idle_since = idle_since;
  if (owes_room()) return close_server(server, "evicted");
  if (const char* reason = owed_limit()) return close_server(server, reason);
  // Those who wait here have asked nobody else as long as the server was theirs.
  if (ledger->hunger.is_stated_by_any() && lend(server)) return ask_others();
  move_to(server, ServerState::idle);
  if (has_waiters()) serve_waiters();
}

void PoolShard::serve_waiters() {
  serve_tasks();
  while (!waiting.empty() && !is_paused()) {
    Server* server = take_idle(waiting.size());
    if (server == nullptr) break;
    Client& client = waiting.front();
    leave_queue(client);
    link(client, *server);
    pump(client);
  }
  try_dial();
  ask_others();
  // Servers that could not be had a moment ago may be idle now.
  if (ledger->hunger.is_stated_by_any()) feed();
}

// Servers are kept in the order in which they became free: the front is the most recently used.
void PoolShard::move_to(Server& server, ServerState state) {
  if (server.ListHook<InState>::is_linked()) list_of(server.state).erase(server);
  server.state = state;
  list_of(state).push_front(server);
}

void PoolShard::move_to(Client& client, List<Client, InClientState>& list) {
  list_of(client.state()).erase(client);
  list.push_back(client);
}

void PoolShard::enlist(Server& server) {
  server.state = ServerState::tested;
  tested_.push_front(server);
  if (server_count() == 1) ledger->lenders.fetch_or(worker_bit());
}

void PoolShard::remove(Server& server) {
  list_of(server.state).erase(server);
  if (server_count() == 0) ledger->lenders.fetch_and(~worker_bit());
}

bool PoolShard::start_internal(Server& server, const std::string& sql) {
  move_to(server, ServerState::tested);
  session::expect_internal_query(server.view);
  std::string message;
  wire::query(message, sql);
  return server.stream.write(message) != io::WriteResult::broken;
}

bool PoolShard::is_stale(const Server& server) const noexcept {
  return server.close_needed ||
         server.epoch != ledger->database->epoch.load(std::memory_order_relaxed) ||
         server.closings != ledger->closings.load(std::memory_order_relaxed) ||
         server.claim.is_outdated();
}

// Old servers go one by one, so that a pool opened at once does not close at once.
bool PoolShard::is_worn_out(const Server& server, Micros now) const noexcept {
  const Micros lifetime = settings.server_lifetime;
  if (lifetime == 0 && !server.was_used) return false;  // 0 means: one use
  if (now - server.connect_time < lifetime) return false;
  if (lifetime == 0 || settings.size <= 0) return true;
  return now - ledger->last_lifetime_close >= lifetime / settings.size;
}

}  // namespace remuda::proxy
