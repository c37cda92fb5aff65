// Pools that share a limit: src/README.md, "One pool on several workers". One that finds the limit
// full claims what becomes free; one that has a free server gives it up to whoever has waited
// longer.
#include <initializer_list>

#include "proxy/pool_shard.h"
#include "proxy/worker.h"

namespace remuda::proxy {
namespace {

// To hand a slot to another pool costs a login at the server, so that where all queues are long it
// is done for somebody who came earlier by this and a share of the own wait.
constexpr Micros kPatience = 20 * kMillisecond;
constexpr Micros kShare = 4;
// A claim is told again when its oldest waiter is another by more than this.
constexpr Micros kRenewAfter = 20 * kMillisecond;
// Idle servers of other pools are asked for once per claim; what stood in the way may have gone.
constexpr Micros kAskToEvictAgain = kSecond;
// One limit may turn out to be full after the other.
constexpr int kTries = 4;

Micros earlier(Micros a, Micros b) noexcept {
  if (a == 0 || b == 0) return a == 0 ? b : a;
  return a < b ? a : b;
}

}  // namespace

PoolShard::~PoolShard() {
  withdraw_claim();
  no_host_since_ = 0;
  note_waits_for_host();
}

Micros PoolShard::oldest_need() noexcept {
  Micros need = oldest_head();
  if (!greeting_waiters_.empty()) need = earlier(need, greeting_waiters_.front().since);
  if (!room_waiters_.empty()) need = earlier(need, room_waiters_.front().since);
  return need;
}

std::optional<Slot> PoolShard::reserve_in_turn(bool with_reserve, WaitReason& why) {
  std::optional<Slot> slot;
  // Per query where a limit is contended: nothing has changed since this was asked last.
  if (claimed_ && ledger->shared_limit(*claimed_).is_full() &&
      worker.now() - asked_to_evict_ < kAskToEvictAgain) {
    why = *claimed_;
    return slot;
  }
  for (int tries = 0; tries < kTries; ++tries) {
    slot = Slot::reserve(worker.shared.ledgers, ledger, worker.index(), with_reserve, oldest_need(),
                         why);
    if (slot || why == WaitReason::pool_full) {
      withdraw_claim();
      break;
    }
    const Micros now = worker.now();
    if (claimed_ == why && now - asked_to_evict_ < kAskToEvictAgain) break;
    claim(why);
    asked_to_evict_ = now;
    (void)worker.evict(ledger->shared_limit(why), ledger, true);
    // Tried again: room may have been made now, or before the claim was known.
  }
  return slot;
}

void PoolShard::claim(WaitReason why) {
  if (claimed_ != why) withdraw_claim();
  claimed_ = why;
  claimed_since_ = oldest_need();
  ledger->shared_limit(why).claims.state({ledger.get(), worker.index(), claimed_since_});
}

// The queue became shorter.
void PoolShard::renew_claim() {
  if (!claimed_) return;
  const Micros need = oldest_need();
  if (need == 0) return withdraw_claim();
  if (need - claimed_since_ > kRenewAfter) claim(*claimed_);
}

void PoolShard::withdraw_claim() {
  if (!claimed_) return;
  SharedBudget& limit = ledger->shared_limit(*claimed_);
  claimed_.reset();
  worker.shared.ledgers.withdraw(limit, ledger.get(), worker.index());
}

// Why a free server must go; null if it may stay.
const char* PoolShard::owed_limit() noexcept {
  for (WaitReason why : {WaitReason::database_limit, WaitReason::user_limit}) {
    const SharedBudget& limit = ledger->shared_limit(why);
    const Micros since = limit.claims.oldest();
    if (since == 0 || !limit.is_full()) continue;
    const Micros own = earlier(oldest_head(), ledger->hunger.oldest_head());
    const Micros margin = kPatience + (worker.now() - own) / kShare;
    if (own != 0 && since + margin >= own) continue;
    const std::optional<Claims::Claim> first = limit.claims.first();
    if (!first || first->pool == ledger.get()) continue;
    return why == WaitReason::database_limit ? "evicted for max_db_connections"
                                             : "evicted for max_user_connections";
  }
  return nullptr;
}

}  // namespace remuda::proxy
