#include "proxy/pool_shard.h"

#include <fmt/core.h>

#include <algorithm>

#include "config/effective.h"
#include "proxy/auth_query.h"
#include "proxy/dial.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "route/directory.h"

namespace remuda::proxy {

PoolShard::PoolShard(Worker& its_worker, std::shared_ptr<Ledger> its_ledger)
    : worker(its_worker),
      ledger(std::move(its_ledger)),
      secrets(its_worker.loop, its_worker.tasks,
              [this](const auth::SecretCache::Key& key) { return fetch_secret(*this, key); }) {
  adopt(worker.config());
}

PoolShard::~PoolShard() {
  wire::wipe(learned_secret_);
}

void PoolShard::learn(std::optional<pg::ProvenKeys> keys, std::string secret) {
  if (keys) proven_keys_ = std::move(keys);
  if (secret.empty()) return;
  wire::wipe(learned_secret_);
  learned_secret_ = std::move(secret);
}

List<Server, InState>& PoolShard::list_of(ServerState state) noexcept {
  if (state == ServerState::idle) return idle_;
  return state == ServerState::active ? active_ : tested_;
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
  const uint32_t epoch = ledger->database->epoch.load();
  if (std::exchange(greeting_epoch_, epoch) != epoch) greeting_.reset();
}

bool PoolShard::is_paused() const noexcept {
  return worker.shared.ledgers.is_paused(*ledger->database);
}

// ---- Lending

Server* PoolShard::acquire(Client& client) {
  if (worker.shared.shutdown == Shutdown::wait_for_servers) {
    fail_client(client, SqlState("08P01"), "server shutting down");
    return nullptr;
  }
  if (!has_waiters() && !is_paused()) {
    if (Server* server = take_idle(1)) {
      link(client, *server);
      return server;
    }
  }
  if (is_failing() && server_count() == 0 && dials_ == 0) {
    fail_client(client, failure_->sqlstate, cached_failure());
    return nullptr;
  }
  queue(client);
  try_dial();
  return nullptr;
}

void PoolShard::queue(Client& client) {
  waits.advance(worker.now(), waiting.size());
  waits.begin_wait();
  client.wait_start = worker.now();
  client.wait_notified = false;
  waiting.push_back(client);
}

void PoolShard::leave_queue(Client& client) {
  if (client.wait_start == 0) return;
  const Micros now = worker.now();
  waits.advance(now, waiting.size());
  waiting.erase(client);
  stats.now.wait_time += static_cast<uint64_t>(now - client.wait_start);
  client.wait_start = 0;
}

// The most recently used server, or the least recently used one with server_round_robin. One that
// has been idle for long is checked first, and comes back through tested().
Server* PoolShard::take_idle(size_t wanted) {
  const config::Config& config = worker.config();
  while (!idle_.empty()) {
    Server& server = config.server_round_robin ? idle_.back() : idle_.front();
    if (is_stale(server)) {
      close_server(server, server.close_needed ? "close_needed" : "obsolete connection");
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
  server.client = &client;
  server.request_time = worker.now();
  server.was_used = true;
  server.is_clean = false;
  server.just_checked = false;
  client.server = &server;
  client.replay_due = true;
  ++stats.now.server_assignments;
}

void PoolShard::unlink(Client& client) {
  Server& server = *client.server;
  client.server = nullptr;
  client.awaits_replay = client.needs_room = client.replay_due = false;
  server.client = nullptr;
  move_to(server, ServerState::tested);
  update_reading(server);
}

void PoolShard::release(Server& server) {
  const config::Config& config = worker.config();
  server.needs_reset =
      (settings.mode == config::PoolMode::session || config.server_reset_query_always) &&
      !config.server_reset_query.empty();
  settle(server);
}

void PoolShard::tested(Server& server) {
  if (server.view.is_quiet()) server.runs_connect_query = false;
  if (server.was_reset && server.view.is_quiet()) {
    server.was_reset = false;
    server.view.parameters = session::after_replay(
        server.view.parameters, worker.parameters.empty_set(), server.view.reported);
  }
  settle(server);
}

// A server without a client goes on to be lent when nothing is left to be done with it.
void PoolShard::settle(Server& server) {
  if (server.closing || server.lease) return;
  if (server.view.suspect) return close_server(server, "replies out of step");
  if (is_stale(server)) return close_server(server, "close_needed");
  if (!server.view.is_quiet() || server.stream.backlog() > 0 || server.cancels > 0) return;
  if (server.needs_reset) {
    server.needs_reset = false;
    server.was_reset = true;
    start_internal(server, worker.config().server_reset_query);
    return;
  }
  make_available(server);
}

void PoolShard::make_available(Server& server) {
  const Micros now = worker.now();
  const int limit = settings.size;
  if (is_paused()) return close_server(server, "pause mode");
  if (is_worn_out(server, now)) {
    last_lifetime_close_ = now;
    close_server(server, "server lifetime over");
    return try_dial();
  }
  if (limit > 0 && ledger->servers.used() > limit + ledger->reserve.load()) {
    return close_server(server, "too many servers in the pool");
  }
  server.idle_since = now;
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
}

// ---- Lending to tasks

io::Task<ServerLease> PoolShard::lease(io::Deadline& deadline) {
  while (true) {
    ServerLease lease = co_await next_lease(deadline);
    // Between its being lent and this line it may have said something, or ended.
    if (lease.server().closing) continue;
    lease.server().stream.stop_pushing();
    co_return lease;
  }
}

io::Task<ServerLease> PoolShard::next_lease(io::Deadline& deadline) {
  if (lease_waiters_.empty() && !is_paused()) {
    if (Server* server = take_idle(waiting.size() + 1)) {
      ServerLease lease = start_lease(*server);
      co_return lease;
    }
  }
  throw_if_hopeless();
  io::Waiter<ServerLease> waiter(worker.loop);
  struct Listed {
    std::vector<io::Waiter<ServerLease>*>& list;
    io::Waiter<ServerLease>* waiter;
    ~Listed() { std::erase(list, waiter); }
  };
  lease_waiters_.push_back(&waiter);
  const Listed listed{lease_waiters_, &waiter};
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(worker.tasks, waiter);
  try_dial();
  co_return co_await waiter.wait();
}

ServerLease PoolShard::start_lease(Server& server) {
  move_to(server, ServerState::active);
  server.request_time = worker.now();
  server.was_used = true;
  server.just_checked = false;
  ++stats.now.server_assignments;
  return ServerLease(server);
}

void PoolShard::give_back(ServerLease lease) {
  Server& server = lease.server();
  if (server.closing) return;
  lease.end();
  server.stream.start(server);
  settle(server);
}

// They are short, and a login hangs on each. A waiter that is settled has lost patience.
void PoolShard::serve_tasks() {
  while (!lease_waiters_.empty() && !is_paused()) {
    io::Waiter<ServerLease>& waiter = *lease_waiters_.front();
    if (!waiter.is_settled()) {
      Server* server = take_idle(lease_waiters_.size() + waiting.size());
      if (server == nullptr) break;
      (void)waiter.set(start_lease(*server));
    }
    lease_waiters_.erase(lease_waiters_.begin());
  }
}

// Servers are kept in the order in which they became free: the front is the most recently used.
void PoolShard::move_to(Server& server, ServerState state) {
  if (server.ListHook<InState>::is_linked()) list_of(server.state).erase(server);
  server.state = state;
  list_of(state).push_front(server);
}

void PoolShard::remove(Server& server) {
  list_of(server.state).erase(server);
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
         server.epoch != ledger->database->epoch.load(std::memory_order_relaxed);
}

// Old servers go one by one, so that a pool opened at once does not close at once.
bool PoolShard::is_worn_out(const Server& server, Micros now) const noexcept {
  const Micros lifetime = settings.server_lifetime;
  if (lifetime == 0 && !server.was_used) return false;  // 0 means: one use
  if (now - server.connect_time < lifetime) return false;
  if (lifetime == 0 || settings.size <= 0) return true;
  return now - last_lifetime_close_ >= lifetime / settings.size;
}

// ---- Opening

void PoolShard::set_reason(WaitReason reason) {
  waits.set_reason(worker.now(), waiting.size(), reason);
}

bool PoolShard::is_failing() const noexcept {
  return failure_ && worker.now() - last_dial_ < worker.config().server_login_retry;
}

void PoolShard::throw_if_hopeless() const {
  if (!is_failing() || server_count() > 0 || dials_ > 0) return;
  throw PgError(failure_->sqlstate, cached_failure());
}

std::string PoolShard::cached_failure() const {
  return fmt::format("server login has been failing, cached error: {} (server_login_retry)",
                     failure_->message.substr(0, 99));
}

std::optional<Slot> PoolShard::reserve_slot(WaitReason& why) {
  const Micros patience = worker.config().reserve_pool_timeout;
  const bool with_reserve = patience > 0 && oldest_wait(worker.now()) > patience;
  auto slot = Slot::reserve(worker.shared.ledgers, ledger, worker.index(), with_reserve, why);
  if (!slot && why != WaitReason::pool_full) {
    const Budget& full =
        why == WaitReason::database_limit ? ledger->database->servers : ledger->user->servers;
    if (worker.evict(full, this, true)) {
      slot = Slot::reserve(worker.shared.ledgers, ledger, worker.index(), with_reserve, why);
    }
  }
  const int limit = ledger->servers.limit();
  if (slot && limit > 0 && ledger->servers.used() > limit) {
    log::warning("{}/{}: taking connection from reserve_pool", database_name(), user_name());
  }
  return slot;
}

void PoolShard::try_dial() {
  const size_t wanted = waiting.size() + lease_waiters_.size() + greeting_waiters_.size();
  if (wanted == 0) return;
  if (is_paused()) return set_reason(WaitReason::paused);
  if (dials_ > 0) return set_reason(WaitReason::server_login);
  if (tested_.size() >= wanted) return set_reason(WaitReason::server_login);
  if (is_failing()) return set_reason(WaitReason::server_unavailable);
  WaitReason why = WaitReason::pool_full;
  auto slot = reserve_slot(why);
  if (!slot) return set_reason(why);
  start_dial(std::move(*slot), WaitReason::server_login);
}

void PoolShard::start_dial(Slot slot, WaitReason reason) {
  ++dials_;
  last_dial_ = worker.now();
  set_reason(reason);
  worker.tasks.spawn(dial(*this, std::move(slot)));
}

void PoolShard::server_opened(std::unique_ptr<Server> opened, ServerParameters parameters) {
  --dials_;
  failure_.reset();
  if (!greeting_) greeting_ = std::move(parameters);
  Server& server = *opened.release();
  server.state = ServerState::tested;
  server.just_checked = true;
  tested_.push_front(server);
  // They go on later; from here on they no longer count as somebody who waits.
  for (io::Waiter<bool>* waiter : std::exchange(greeting_waiters_, {})) (void)waiter->set(true);
  server.stream.start(server);
  if (!server.closing && !start_connect_query(server)) settle(server);
  try_dial();
}

// Servers that are only waited for to be closed promise nothing to those who wait.
bool PoolShard::has_usable_server() noexcept {
  for (ServerState state : {ServerState::idle, ServerState::active, ServerState::tested}) {
    for (const Server& server : list_of(state)) {
      if (!is_stale(server)) return true;
    }
  }
  return false;
}

void PoolShard::dial_failed(const DialFailure& failure, bool tell_waiters) {
  --dials_;
  failure_ = failure;
  last_dial_ = worker.now();
  if (tell_waiters && !has_usable_server()) {
    for (io::Waiter<bool>* waiter : std::exchange(greeting_waiters_, {})) {
      waiter->fail(std::make_exception_ptr(PgError(failure.sqlstate, failure.message)));
    }
    for (io::Waiter<ServerLease>* waiter : std::exchange(lease_waiters_, {})) {
      waiter->fail(std::make_exception_ptr(PgError(failure.sqlstate, failure.message)));
    }
    while (!waiting.empty()) fail_client(waiting.front(), failure.sqlstate, failure.message);
  }
  try_dial();
}

// False when there is none.
bool PoolShard::start_connect_query(Server& server) {
  const auto database = route::find_database(worker.config(), database_name());
  if (!database || !database->connect_query || database->connect_query->empty()) return false;
  server.runs_connect_query = true;
  return start_internal(server, *database->connect_query);
}

io::Task<void> PoolShard::await_greeting(io::Deadline& deadline) {
  // Between a server's coming and our going on a reload may have forgotten what it said.
  while (!greeting_) co_await next_greeting(deadline);
}

io::Task<void> PoolShard::next_greeting(io::Deadline& deadline) {
  io::Waiter<bool> waiter(worker.loop);
  struct Listed {
    std::vector<io::Waiter<bool>*>& list;
    io::Waiter<bool>* waiter;
    ~Listed() { std::erase(list, waiter); }
  };
  greeting_waiters_.push_back(&waiter);
  const Listed listed{greeting_waiters_, &waiter};
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(worker.tasks, waiter);
  try_dial();
  co_await waiter.wait();
}

// ---- Housekeeping

void PoolShard::maintain(Micros now, bool may_fill) {
  fail_long_waits(now);
  notify_long_waits(now);
  close_expired(now);
  secrets.drop_expired();
  if (has_waiters() || !greeting_waiters_.empty()) serve_waiters();
  const bool wanted = settings.has_forced_user || !clients.empty();
  if (!may_fill || !wanted || is_paused() || is_failing() || dials_ > 0 || settings.size <= 0)
    return;
  if (static_cast<int>(server_count()) >= settings.min_size) return;
  WaitReason why = WaitReason::pool_full;
  auto slot = Slot::reserve(worker.shared.ledgers, ledger, worker.index(), false, why);
  if (slot) start_dial(std::move(*slot), waits.reason());
}

void PoolShard::fail_long_waits(Micros now) {
  if (settings.query_wait_timeout <= 0) return;
  while (oldest_wait(now) > settings.query_wait_timeout) {
    fail_client(waiting.front(), SqlState("08P01"), "query_wait_timeout");
  }
}

// The queue is in order of arrival, so only its beginning is looked at.
void PoolShard::notify_long_waits(Micros now) {
  const Micros patience = worker.config().query_wait_notify * kSecond;
  if (patience <= 0) return;
  for (Client& client : waiting) {
    if (now - client.wait_start <= patience) break;
    if (client.wait_notified) continue;
    client.wait_notified = true;
    std::string out;
    wire::notice_response(
        out, "NOTICE", SqlState("00000"),
        "No server connection available in postgres backend, client being queued");
    client.stream.write(out);
  }
}

void PoolShard::close_expired(Micros now) {
  const Micros idle_timeout = worker.config().server_idle_timeout;
  for (auto at = idle_.begin(); at != idle_.end();) {
    Server& server = *at;
    ++at;
    const bool above_floor = static_cast<int>(server_count()) > settings.min_size;
    if (is_stale(server)) {
      close_server(server, server.close_needed ? "close_needed" : "obsolete connection");
    } else if (is_worn_out(server, now)) {
      last_lifetime_close_ = now;
      close_server(server, "server lifetime over");
    } else if (settings.size > 0 &&
               ledger->servers.used() > settings.size + ledger->reserve.load()) {
      close_server(server, "too many servers in the pool");
    } else if (idle_timeout > 0 && above_floor && now - server.idle_since >= idle_timeout) {
      close_server(server, "server idle timeout");
    }
  }
}

void PoolShard::close_idle(const char* reason) {
  while (!idle_.empty()) close_server(idle_.front(), reason);
}

bool PoolShard::evict_idle(const char* reason) {
  if (idle_.empty() || has_waiters()) return false;
  close_server(idle_.back(), reason);
  return true;
}

void PoolShard::mark_for_close(const char* reason) {
  for (ServerState state : {ServerState::idle, ServerState::active, ServerState::tested}) {
    for (Server& server : list_of(state)) server.close_needed = true;
  }
  greeting_.reset();
  secrets.clear();
  close_idle(reason);
}

void PoolShard::drop_clients(const char* text) {
  while (!clients.empty()) fail_client(clients.front(), SqlState("08P01"), text);
}

bool PoolShard::is_unused() const noexcept {
  return clients.empty() && server_count() == 0 && dials_ == 0 && greeting_waiters_.empty() &&
         lease_waiters_.empty();
}

Micros PoolShard::oldest_wait(Micros now) noexcept {
  return waiting.empty() ? 0 : now - waiting.front().wait_start;
}

size_t PoolShard::used_count(Micros now, Micros check_delay) noexcept {
  size_t count = 0;
  for (const Server& server : idle_) count += now - server.idle_since >= check_delay;
  return count;
}

}  // namespace remuda::proxy
