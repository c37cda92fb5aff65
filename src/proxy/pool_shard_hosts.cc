// The hosts of a pool: who waits while none can serve, and what becomes of servers on a host that
// can serve no more. src/README.md, "Hosts".
#include <fmt/core.h>

#include <algorithm>

#include "config/effective.h"
#include "proxy/lost_server.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/server_tls.h"
#include "proxy/worker.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {

void PoolShard::find_cluster(const config::Database& database) {
  const bool had_cluster = cluster_ != nullptr;
  cluster_ = worker.shared.hosts.cluster(worker.config(), database);
  // That no host was known to be fit says nothing of one that is not checked any more.
  if (had_cluster && !cluster_) ledger->facts.clear_failure();
  note_hosts(worker.now());
}

void PoolShard::note_hosts(Micros now) {
  const bool can_serve = !cluster_ || route::has_host(*cluster_);
  if (can_serve) {
    no_host_since_ = 0;
  } else if (no_host_since_ == 0) {
    no_host_since_ = now;
  }
  note_waits_for_host();
}

void PoolShard::hosts_changed() {
  const auto database = route::find_database(worker.config(), database_name());
  if (!database || (!cluster_ && !config::has_health_checks(worker.config(), *database))) return;
  find_cluster(*database);
  note_strangers();
  if (no_host_since_ == 0) ledger->facts.clear_failure();
  for (auto at = idle_.begin(); at != idle_.end();) {
    Server& server = *at;
    ++at;
    if (is_lost(server) || server.close_needed) close_server(server, stale_reason(server));
  }
  close_lost_tests();
  interrupt_lost_dials();
  close_stale_active();
  serve_waiters();
}

// What is run between two clients may never be answered, and would be waited for.
void PoolShard::close_lost_tests() {
  for (auto at = tested_.begin(); at != tested_.end();) {
    Server& server = *at;
    ++at;
    const bool is_down =
        is_lost(server) && server.claim.entry()->state.load() == route::HostState::down;
    if (is_down) close_server(server, stale_reason(server));
  }
}

void PoolShard::interrupt_lost_dials() {
  const auto lost = std::make_exception_ptr(ConnectFailure("host is no longer fit"));
  for (LoginEntry& login : worker.login_entries) {
    const bool is_ours = login.pool == this && login.opening != nullptr && login.claim != nullptr;
    if (is_ours && login.claim->is_outdated()) login.opening->interrupt(lost);
  }
}

// A host may be fit, and be one of another database only, or be spared from reads by now.
void PoolShard::note_strangers() {
  const auto is_host = [&](const route::HostEntry* entry) {
    const auto& hosts = cluster_->hosts;
    return std::any_of(hosts.begin(), hosts.end(),
                       [&](const route::ClusterHost& host) { return host.entry.get() == entry; });
  };
  for (const ServerState state : kServerStates) {
    for (Server& server : list_of(state)) {
      const route::HostEntry* entry = server.claim.entry().get();
      if (!cluster_ || !entry) continue;
      const bool is_spared = entry->is_spared && entry->role.load() == route::HostRole::standby;
      if (is_spared || !is_host(entry)) server.close_needed = true;
    }
  }
}

const char* PoolShard::stale_reason(const Server& server) const noexcept {
  if (server.close_needed) return "close_needed";
  return is_lost(server) ? "host is no longer fit" : "obsolete connection";
}

// ---- Waiting for a host

// Also takes back what was counted, as soon as nobody waits for a host any more.
void PoolShard::note_waits_for_host() {
  int count = 0;
  int64_t bytes = 0;
  if (no_host_since_ != 0) {
    count = static_cast<int>(waiting.size());
    for (const Client& client : waiting) bytes += static_cast<int64_t>(client.parked.size());
  }
  if (count == waits_for_host_ && bytes == bytes_for_host_) return;
  FailoverWaits& all = worker.shared.failover_waits;
  all.clients.fetch_add(count - std::exchange(waits_for_host_, count));
  all.bytes.fetch_add(bytes - std::exchange(bytes_for_host_, bytes));
}

bool PoolShard::may_wait_for_host() {
  const int limit = worker.config().failover_wait_clients;
  const int others = worker.shared.failover_waits.clients.load() - waits_for_host_;
  return limit <= 0 || others + static_cast<int>(waiting.size()) < limit;
}

void PoolShard::fail_waits_for_host(Micros now) {
  if (no_host_since_ == 0) return;
  const config::Config& config = worker.config();
  const FailoverWaits& all = worker.shared.failover_waits;
  // Who came last has waited for the least.
  while (config.failover_wait_bytes > 0 && !waiting.empty() && bytes_for_host_ > 0 &&
         all.bytes.load() > static_cast<int64_t>(config.failover_wait_bytes)) {
    fail_client(waiting.back(), wire::sqlstate::kTooManyConnections,
                "too much is waiting for a host");
    note_waits_for_host();
  }
  const Micros patience = config.failover_wait_timeout;
  if (patience <= 0 || now - no_host_since_ <= patience) return;
  const PgError error(wire::sqlstate::kCannotConnectNow,
                      fmt::format("no host of database \"{}\" can serve: {}", database_name(),
                                  route::describe(*cluster_)));
  while (!waiting.empty() && now - waiting.front().wait_start > patience) {
    fail_client(waiting.front(), error.sqlstate(), error.what());
  }
  for (const GreetingWaiter& login : greeting_waiters_) {
    if (now - login.since > patience) login.waiter->fail(std::make_exception_ptr(error));
  }
  for (const LeaseWaiter& task : lease_waiters_) {
    if (now - task.since > patience) task.waiter->fail(std::make_exception_ptr(error));
  }
}

// ---- Servers on a host that is lost

bool PoolShard::is_lost(const Server& server) const noexcept {
  return server.claim.is_outdated();
}

bool PoolShard::wants_primary() const noexcept {
  if (!cluster_) return false;
  const config::TargetSession target = cluster_->wish.target;
  return target == config::TargetSession::primary || target == config::TargetSession::read_write;
}

// Reads that went to the primary for want of a standby.
bool PoolShard::is_misplaced(const Server& server) const {
  if (!server.is_makeshift || !cluster_) return false;
  const auto hosts = route::candidates(*cluster_);
  return std::any_of(hosts.begin(), hosts.end(), [this](const route::HostCandidate& host) {
    return route::is_preferred(host, cluster_->wish.target);
  });
}

// A session ends between two transactions, replication at once, a transaction when it is over:
// unless it shall not last, or it must not be committed, as there is another primary. Reads on a
// standby that only was too slow for checks may still be answered.
void PoolShard::close_lost(Server& server) {
  const route::HostEntry& host = *server.claim.entry();
  const bool is_killed =
      worker.config().on_demotion == config::OnDemotion::kill && !host.is_disabled;
  const route::HostState state = host.state;
  const bool has_heir = state == route::HostState::superseded ||
                        (state == route::HostState::down && no_host_since_ == 0);
  const bool is_gone = has_heir && wants_primary();
  const bool is_between = server.client && server.view.is_quiet();
  if (!is_killed && !is_gone && !is_between && server.replication == Replication::none) return;
  if (begin_elsewhere(server, stale_reason(server))) return;
  const std::string why = fmt::format("it is {}, a {}", to_text(state), to_text(host.role.load()));
  const LostServer lost = describe_loss(server, host.is_disabled ? "it was disabled" : why);
  fail_server(server, stale_reason(server), lost.sqlstate, lost.text);
}

}  // namespace remuda::proxy
