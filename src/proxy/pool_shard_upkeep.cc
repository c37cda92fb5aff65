// What lasts too long in a pool, and what the console does to it.
#include <algorithm>

#include "proxy/placement.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {

void PoolShard::maintain(Micros now, bool may_fill) {
  note_use(now);
  note_hosts(now);
  fail_slow_clients(now);
  fail_waits_for_host(now);
  fail_long_waits(now);
  fail_long_logins(now);
  notify_long_waits(now);
  close_expired(now);
  close_undrained(now);
  close_stale_active();
  secrets.drop_expired();
  renew_claim();
  if (has_waiters() || !greeting_waiters_.empty() || !room_waiters_.empty()) serve_waiters();
  if (may_fill) fill();
}

// For min_pool_size, which the first home sees to.
void PoolShard::fill() {
  if (settings.min_size <= 0 || settings.size <= 0 || dials_ > 0 || is_paused()) return;
  if (no_host_since_ != 0) return;
  if (is_failing() || is_short()) return;
  if (&home_of(worker.shared, *ledger) != &worker) return;
  const bool is_wanted = settings.has_forced_user || ledger->client_count() > 0;
  if (!is_wanted || ledger->servers.used() >= settings.min_size) return;
  WaitReason why = WaitReason::pool_full;
  auto slot = Slot::reserve(worker.shared.ledgers, ledger, worker.index(), false, 0, why);
  if (slot) start_dial(std::move(*slot), waits.reason());
}

void PoolShard::close_expired(Micros now) {
  const Micros idle_timeout = worker.config().server_idle_timeout;
  bool may_move = true;  // one at a time
  for (auto at = idle_.begin(); at != idle_.end();) {
    Server& server = *at;
    ++at;
    const bool above_floor = ledger->servers.used() > settings.min_size;
    if (is_stale(server)) {
      close_server(server, stale_reason(server));
    } else if (is_worn_out(server, now)) {
      ledger->last_lifetime_close = now;
      close_server(server, "server lifetime over");
    } else if (settings.size > 0 &&
               ledger->servers.used() > settings.size + ledger->reserve.load()) {
      close_server(server, "too many servers in the pool");
    } else if (may_move && is_misplaced(server)) {
      may_move = false;
      close_server(server, "a preferred host is there again");
    } else if (idle_timeout > 0 && above_floor && now - server.idle_since >= idle_timeout) {
      close_server(server, "server idle timeout");
    }
  }
}

// Replication may last for months, so that it is not waited for; a session between two transactions
// is only with server_fast_close.
void PoolShard::close_stale_active() {
  const bool end_sessions = worker.config().server_fast_close;
  for (auto at = active_.begin(); at != active_.end();) {
    Server& server = *at;
    ++at;
    if (is_lost(server)) {
      close_lost(server);
      continue;
    }
    const bool may_end = server.replication != Replication::none ||
                         (end_sessions && server.client && server.view.is_quiet());
    if (!may_end || !is_stale(server)) continue;
    const char* text = "database configuration changed";
    fail_server(server, text, wire::sqlstate::kProtocolViolation, text);
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
  for (const ServerState state : kServerStates) {
    for (Server& server : list_of(state)) server.close_needed = true;
  }
  secrets.clear();
  close_idle(reason);
}

void PoolShard::leave_addresses(const std::string& host, const std::vector<io::Address>& left) {
  for (const ServerState state : kServerStates) {
    for (Server& server : list_of(state)) {
      io::Address address = server.address;
      address.set_port(0);
      const bool is_left = std::find(left.begin(), left.end(), address) != left.end();
      if (server.host == host && !is_left) server.close_needed = true;
    }
  }
}

void PoolShard::drop_clients(const char* text) {
  while (!clients.empty()) fail_client(clients.front(), wire::sqlstate::kProtocolViolation, text);
  for (LoginEntry& login : worker.login_entries) {
    if (login.pool != this || login.deadline == nullptr) continue;
    login.deadline->interrupt(std::make_exception_ptr(PgError(text)));
  }
}

void PoolShard::note_use(Micros now) noexcept {
  const bool is_used = !clients.empty() || !active_.empty() || dials_ > 0 || pins_ > 0;
  if (is_used || has_waiters()) last_use_ = now;
}

bool PoolShard::is_unused() const noexcept {
  return clients.empty() && server_count() == 0 && dials_ == 0 && pins_ == 0 &&
         greeting_waiters_.empty() && lease_waiters_.empty();
}

// Pools that are to have servers without clients stay.
bool PoolShard::is_standing() const noexcept {
  return settings.has_forced_user && settings.min_size > 0;
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
