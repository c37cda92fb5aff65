// Opening servers, and what those get who wait for the first one.
#include <fmt/core.h>

#include <algorithm>

#include "proxy/dial.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

// What this process is short of may be there again any moment.
constexpr Micros kShortageRetry = 100 * kMillisecond;

}  // namespace

void PoolShard::set_reason(WaitReason reason) {
  waits.set_reason(worker.now(), waiting.size(), reason);
}

bool PoolShard::is_failing() const noexcept {
  const Micros failed_at = ledger->facts.failed_at();
  const config::Config& config = worker.config();
  // Where another host may take over, or this one is looked at soon, waiting long is of no use.
  const Micros pause = cluster_
                           ? std::min(config.server_login_retry, config.health_check_fast_interval)
                           : config.server_login_retry;
  return failed_at != 0 && worker.now() - failed_at < pause;
}

bool PoolShard::has_no_server() const noexcept {
  return ledger->servers.used() == 0;
}

void PoolShard::throw_if_hopeless() const {
  if (!is_failing() || !has_no_server() || cluster_) return;
  const DialFailure failure = cached_failure();
  throw PgError(failure.sqlstate, failure.message);
}

DialFailure PoolShard::cached_failure() const {
  DialFailure failure = ledger->facts.failure();
  failure.message =
      fmt::format("server login has been failing, cached error: {} (server_login_retry)",
                  failure.message.substr(0, 99));
  return failure;
}

bool PoolShard::is_short() const noexcept {
  const Micros since = ledger->facts.short_since();
  return since != 0 && worker.now() - since < kShortageRetry;
}

std::optional<Slot> PoolShard::reserve_slot(WaitReason& why) {
  const Micros patience = worker.config().reserve_pool_timeout;
  const bool with_reserve = patience > 0 && oldest_wait(worker.now()) > patience;
  auto slot = reserve_in_turn(with_reserve, why);
  const int limit = ledger->servers.limit();
  if (slot && limit > 0 && ledger->servers.used() > limit) {
    log::warning("{}/{}: taking connection from reserve_pool", database_name(), user_name());
  }
  return slot;
}

void PoolShard::try_dial() {
  offer_room();
  if (!may_dial()) {
    if (room_waiters_.empty()) withdraw_claim();
    return;
  }
  WaitReason why = WaitReason::pool_full;
  auto slot = reserve_slot(why);
  if (!slot) return set_reason(why);
  start_dial(std::move(*slot), WaitReason::server_login);
}

// False when nobody needs one more server, or it could not be opened now; why is then told.
bool PoolShard::may_dial() {
  const size_t wanted = waiting.size() + lease_waiters_.size() + greeting_waiters_.size();
  if (wanted == 0) return false;
  std::optional<WaitReason> why;
  if (is_paused()) {
    why = WaitReason::paused;
  } else if (dials_ > 0 || coming_count() >= wanted) {
    why = WaitReason::server_login;
  } else if (no_host_since_ != 0) {
    why = WaitReason::failover;
  } else if (is_failing() || is_short()) {
    why = WaitReason::server_unavailable;
  } else if (ledger->servers.is_full_and_wanted(worker.index(), ledger->reserve)) {
    why = WaitReason::pool_full;
  }
  if (why) set_reason(*why);
  return !why;
}

// Servers that will be free in a moment. How long it takes to cancel a query nobody knows.
size_t PoolShard::coming_count() noexcept {
  size_t count = 0;
  for (const Server& server : tested_) count += server.abandoned_at == 0;
  return count;
}

void PoolShard::start_dial(Slot slot, WaitReason reason) {
  ++dials_;
  ledger->facts.set_attempt(worker.now());
  set_reason(reason);
  worker.tasks.spawn(dial(*this, std::move(slot)));
}

void PoolShard::server_opened(std::unique_ptr<Server> opened, ServerParameters parameters) {
  --dials_;
  ledger->facts.clear_failure();
  ledger->facts.set_greeting(opened->epoch, std::move(parameters));
  Server& server = *opened.release();
  server.just_checked = true;
  enlist(server);
  note_strangers();
  greeting_arrived();
  tell_greeting();
  server.stream.start(server);
  if (!server.closing && !start_connect_query(server)) settle(server, worker.now());
  try_dial();
}

// Servers that are only waited for to be closed promise nothing to those who wait.
bool PoolShard::has_usable_server() noexcept {
  for (const ServerState state : kServerStates) {
    for (const Server& server : list_of(state)) {
      if (!is_stale(server)) return true;
    }
  }
  return false;
}

void PoolShard::dial_failed(const DialFailure& failure, bool tell_waiters) {
  --dials_;
  if (failure.is_ours) {
    ledger->facts.set_shortage(worker.now());
  } else {
    ledger->facts.set_failure(failure, worker.now());
  }
  if (tell_waiters) {
    fail_waiters_if_hopeless(failure);
    tell_failure(failure);
  }
  try_dial();
}

void PoolShard::fail_waiters_if_hopeless(const DialFailure& failure) {
  if (has_usable_server() || others_have_servers()) return;
  for (const GreetingWaiter& login : std::exchange(greeting_waiters_, {})) {
    login.waiter->fail(std::make_exception_ptr(PgError(failure.sqlstate, failure.message)));
  }
  for (const LeaseWaiter& waiting_task : std::exchange(lease_waiters_, {})) {
    waiting_task.waiter->fail(std::make_exception_ptr(PgError(failure.sqlstate, failure.message)));
  }
  while (!waiting.empty()) fail_client(waiting.front(), failure.sqlstate, failure.message);
}

bool PoolShard::has_connect_query() const {
  const auto database = route::find_database(worker.config(), database_name());
  return database && database->connect_query && !database->connect_query->empty();
}

// False when there is none.
bool PoolShard::start_connect_query(Server& server) {
  const auto database = route::find_database(worker.config(), database_name());
  if (!database || !database->connect_query || database->connect_query->empty()) return false;
  server.runs_connect_query = true;
  return start_internal(server, *database->connect_query);
}

PoolShard::Greeting PoolShard::greeting() const {
  return ledger->facts.greeting(ledger->database->epoch.load());
}

io::Task<PoolShard::Greeting> PoolShard::await_greeting(io::Deadline& deadline) {
  const Hold hold(*this);
  Greeting found = greeting();
  // Between a server's coming and our going on a reload may have forgotten what it said.
  while (!found) {
    co_await next_greeting(deadline);
    found = greeting();
  }
  co_return found;
}

io::Task<void> PoolShard::next_greeting(io::Deadline& deadline) {
  io::Waiter<bool> waiter(worker.loop);
  struct Listed {
    PoolShard& pool;
    io::Waiter<bool>* waiter;
    ~Listed() {
      std::erase_if(pool.greeting_waiters_,
                    [this](const GreetingWaiter& other) { return other.waiter == waiter; });
      pool.renew_claim();
    }
  };
  const GreetingWaiter entry{&waiter, worker.now()};
  greeting_waiters_.push_back(entry);
  worker.somebody_waits();
  const Listed listed{*this, &waiter};
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(worker.tasks, waiter);
  ledger->greeting_wanted.fetch_or(worker_bit());
  if (greeting()) {
    greeting_arrived();  // before the wish was known
  } else {
    try_dial();
  }
  co_await waiter.wait();
}

// They go on later; from here on they no longer count as somebody who waits.
void PoolShard::greeting_arrived() {
  for (const GreetingWaiter& login : std::exchange(greeting_waiters_, {})) {
    (void)login.waiter->set(true);
  }
}

}  // namespace remuda::proxy
