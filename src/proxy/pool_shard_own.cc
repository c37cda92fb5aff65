// Servers that belong to one client from beginning to end: those of replication.
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

namespace remuda::proxy {
namespace {

// Between two requests to other workers to close an idle server of the pool.
constexpr Micros kAskForRoomAgain = 100 * kMillisecond;

}  // namespace

io::Task<Slot> PoolShard::room(io::Deadline& deadline) {
  io::Waiter<Slot> waiter(worker.loop);
  struct Listed {
    PoolShard& pool;
    io::Waiter<Slot>* waiter;
    ~Listed() {
      std::erase_if(pool.room_waiters_,
                    [this](const RoomWaiter& other) { return other.waiter == waiter; });
      pool.renew_claim();
    }
  };
  const RoomWaiter entry{&waiter, worker.now()};
  room_waiters_.push_back(entry);
  worker.somebody_waits();
  const Listed listed{*this, &waiter};
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(worker.tasks, waiter);
  offer_room();
  co_return co_await waiter.wait();
}

void PoolShard::offer_room() {
  while (!room_waiters_.empty() && !is_paused()) {
    io::Waiter<Slot>& waiter = *room_waiters_.front().waiter;
    if (!waiter.is_settled()) {
      auto slot = make_room();
      if (!slot) return;
      (void)waiter.set(std::move(*slot));
    }
    room_waiters_.erase(room_waiters_.begin());
  }
}

// An idle server gives way: it serves nobody now, and the client cannot use it.
std::optional<Slot> PoolShard::make_room() {
  WaitReason why = WaitReason::pool_full;
  auto slot =
      Slot::reserve(worker.shared.ledgers, ledger, worker.index(), false, oldest_need(), why);
  if (slot) {
    withdraw_claim();
    return slot;
  }
  (void)evict_idle("evicted");
  slot = reserve_in_turn(false, why);
  if (slot || why != WaitReason::pool_full) return slot;
  if (worker.now() - asked_for_room_ < kAskForRoomAgain) return slot;
  asked_for_room_ = worker.now();
  ask_others_for_room();
  return slot;
}

// Whoever closes a server gives its slot back, and that wakes this worker.
void PoolShard::ask_others_for_room() {
  for (Worker* other : worker.shared.workers) {
    if (other == &worker) continue;
    other->post([other, shared = ledger] {
      const Budget& servers = shared->servers;
      PoolShard* part = other->find_shard(shared->database->name, shared->user->name);
      if (part && servers.limit() > 0 && servers.used() >= servers.limit()) {
        part->evict_idle("evicted");
      }
    });
  }
}

bool PoolShard::owes_room() noexcept {
  if (room_waiters_.empty()) return false;
  const Micros head = oldest_head();
  return head == 0 || room_waiters_.front().since <= head;
}

PoolShard::OwnDial::OwnDial(PoolShard& pool) noexcept : pool_(pool) {
  ++pool_.dials_;
}

PoolShard::OwnDial::~OwnDial() {
  --pool_.dials_;
  pool_.try_dial();
}

void PoolShard::give_own(Client& client, std::unique_ptr<Server> own) {
  Server& server = *own.release();
  enlist(server);
  link(client, server);
  client.replay_due = false;
}

}  // namespace remuda::proxy
