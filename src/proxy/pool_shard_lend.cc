// Servers between workers: src/README.md, "Lending". A part of a pool whose clients wait says so in
// the ledger; one with a free server gives it to whoever has waited longest.
#include "proxy/placement.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::proxy {

uint64_t PoolShard::worker_bit() const noexcept {
  return uint64_t{1} << worker.index();
}

// Runs `f` on the parts of the pool that these workers have.
template <class F>
void PoolShard::tell(uint64_t workers, F f) {
  for (Worker* other : worker.shared.workers) {
    if (other == &worker || (workers >> other->index() & 1) == 0) continue;
    other->post([other, ledger = ledger, f] {
      PoolShard* pool = other->find_shard(ledger->database->name, ledger->user->name);
      if (pool) f(*pool);
    });
  }
}

void PoolShard::tell_greeting() {
  const uint64_t wanted = ledger->greeting_wanted.exchange(0);
  tell(wanted, [](PoolShard& pool) { pool.greeting_arrived(); });
}

void PoolShard::tell_failure(const DialFailure& failure) {
  uint64_t with_clients = 0;
  for (const Worker* other : worker.shared.workers) {
    const auto index = static_cast<size_t>(other->index());
    if (ledger->parts[index].clients.load() > 0) with_clients |= uint64_t{1} << index;
  }
  // There queries of our own wait.
  with_clients |= uint64_t{1} << home_of(worker.shared, *ledger).index();
  tell(with_clients, [failure](PoolShard& pool) { pool.fail_waiters_if_hopeless(failure); });
}

// Includes those that are being opened, and those on their way.
bool PoolShard::others_have_servers() const noexcept {
  return ledger->servers.used() > static_cast<int>(server_count()) + dials_;
}

Micros PoolShard::oldest_head() noexcept {
  Micros head = waiting.empty() ? 0 : waiting.front().wait_start;
  if (lease_waiters_.empty()) return head;
  const Micros task_head = lease_waiters_.front().since;
  return head == 0 || task_head < head ? task_head : head;
}

// ---- Taking

// Somebody waits: others are asked at once if there is no server here, else after some patience.
void PoolShard::ask_others() {
  const Micros head = oldest_head();
  if (head == 0 || is_hungry_ || is_paused() || !others_have_servers()) return;
  const Micros now = worker.now();
  const bool is_late = now - head >= Hunger::kPatience && now >= hungry_not_before_;
  if (server_count() == 0 || is_late) return state_hunger(head);
  watch();
}

void PoolShard::watch() {
  if (is_watched_) return;
  is_watched_ = true;
  worker.watch(*this);
}

void PoolShard::patience_over() {
  is_watched_ = false;
  ask_others();
}

void PoolShard::state_hunger(Micros head) {
  is_hungry_ = true;
  if (!ledger->hunger.state(worker.index(), head)) return;
  tell(ledger->lenders.load(), [](PoolShard& pool) { pool.feed(); });
}

// The queue became shorter. A claimed statement is not renewed before the server has come.
void PoolShard::note_fed() {
  renew_claim();
  if (!is_hungry_) return;
  const Micros head = oldest_head();
  const bool is_fresh =
      head == 0 || (server_count() > 0 && worker.now() - head < Hunger::kPatience);
  if (is_fresh) {
    is_hungry_ = false;
    ledger->hunger.withdraw(worker.index());
    ask_others();
  } else {
    ledger->hunger.set_head(worker.index(), head);
  }
}

// What comes is treated as what is released here: somebody else may have waited longer by now. As
// long as others have idle servers the next is asked for at once. Where they are all in use it is
// not before this one has had its effect, or two parts with long queues would outbid each other.
void PoolShard::take_over(ServerParcel parcel) {
  // Stated again, if who waited when this one was claimed has left and somebody else came.
  is_hungry_ = ledger->hunger.is_stated_by(worker.index());
  note_fed();
  if (!parcel.was_idle) hungry_not_before_ = worker.now() + Hunger::kPatience;
  const Micros idle_since = parcel.idle_since;
  const Journey journey = std::move(parcel.journey);
  try {
    Server& server = *unpack(worker, *this, std::move(parcel)).release();
    enlist(server);
    ++taken;
    server.stream.start(server);
    if (!server.closing) settle(server, idle_since);
  } catch (const SystemError& error) {
    log::error("{}/{}: a server could not be taken over: {}", database_name(), user_name(),
               error.what());
  }
  ask_others();
}

// ---- Giving

// False: it stays, nobody has waited longer than those here.
bool PoolShard::lend(Server& server) {
  const std::optional<int> to = ledger->hunger.claim(worker.index(), oldest_head(), worker.now());
  if (!to) return false;
  try {
    ServerParcel parcel = pack(server);
    remove(server);
    worker.retire(std::unique_ptr<Server>(&server), false);
    ++lent;
    Worker* other = worker.shared.workers[static_cast<size_t>(*to)];
    other->post(
        [other, parcel = std::move(parcel)]() mutable { other->take_over(std::move(parcel)); });
  } catch (const SystemError& error) {
    ledger->hunger.restore(*to);
    log::error("{}/{}: a server could not be handed over: {}", database_name(), user_name(),
               error.what());
    close_server(server, "out of descriptors");
  }
  return true;
}

// The one that has been idle for longest goes, as here the others are in use.
void PoolShard::feed() {
  while (!idle_.empty() && !has_waiters() && !is_paused()) {
    Server& server = idle_.back();
    if (is_stale(server)) {
      close_server(server, "obsolete connection");
    } else if (!lend(server)) {
      return;
    }
  }
}

}  // namespace remuda::proxy
