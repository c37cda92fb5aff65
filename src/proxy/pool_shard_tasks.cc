// The pool's servers for queries of our own, such as auth_query's.
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

namespace remuda::proxy {

io::Task<ServerLease> PoolShard::lease(io::Deadline& deadline) {
  const Hold hold(*this);
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
    PoolShard& pool;
    io::Waiter<ServerLease>* waiter;
    ~Listed() {
      std::erase_if(pool.lease_waiters_,
                    [this](const LeaseWaiter& other) { return other.waiter == waiter; });
      pool.note_fed();
    }
  };
  const LeaseWaiter entry{&waiter, worker.now()};
  lease_waiters_.push_back(entry);
  worker.somebody_waits();
  const Listed listed{*this, &waiter};
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(worker.tasks, waiter);
  try_dial();
  ask_others();
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
  settle(server, worker.now());
}

// They are short, and a login hangs on each. A waiter that is settled has lost patience.
void PoolShard::serve_tasks() {
  while (!lease_waiters_.empty() && !is_paused()) {
    io::Waiter<ServerLease>& waiter = *lease_waiters_.front().waiter;
    if (!waiter.is_settled()) {
      Server* server = take_idle(lease_waiters_.size() + waiting.size());
      if (server == nullptr) break;
      (void)waiter.set(start_lease(*server));
    }
    lease_waiters_.erase(lease_waiters_.begin());
    note_fed();
  }
}

}  // namespace remuda::proxy
