#include "proxy/worker.h"

#include <algorithm>
#include <cstdint>

#include "config/effective.h"
#include "io/thread_priority.h"
#include "proxy/greet.h"
#include "proxy/login.h"
#include "proxy/placement.h"
#include "proxy/relay.h"
#include "remuda/base/log.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

// Between two looks at what lasts too long: while somebody waits, and when nobody does.
constexpr Micros kBusyPeriod = 100 * kMillisecond;
constexpr Micros kQuietPeriod = 333 * kMillisecond;
constexpr Micros kFillEvery = 300 * kMillisecond;   // between two connections for min_pool_size
constexpr Micros kSweepEvery = 300 * kMillisecond;  // between two looks for pools nobody uses
constexpr size_t kScratch = 64 * 1024;
static_assert(kScratch >= session::Egress::kMinScratch);

}  // namespace

Worker::Worker(Shared& its_shared, int index, Snapshot snapshot)
    : shared(its_shared),
      tasks(loop, "worker " + std::to_string(index)),
      keys(index),
      scratch(kScratch),
      index_(index),
      snapshot_(std::move(snapshot)) {}

Worker::~Worker() = default;

void Worker::run() {
  io::run_promptly();
  adopt_limits();
  watch_hosts();
  open_standing_pools();
  look_again(kQuietPeriod);
  if (config().stats_period > 0) {
    stats_mark_.repeat(config().stats_period, [this] {
      for (auto& [key, pool] : shards) pool->stats.mark();
    });
  }
  loop.run();
}

// Ends what the thread does: clients and servers first, then tasks, then the mailbox, whose closing
// lets the loop end.
void Worker::stop() {
  stopping_ = true;
  maintenance_.stop();
  stats_mark_.stop();
  patience_.stop();
  for (auto& [key, pool] : shards) {
    while (!pool->clients.empty()) close_client(pool->clients.front(), "pooler is shutting down");
    for (const ServerState state : kServerStates) {
      auto& servers = pool->list_of(state);
      while (!servers.empty()) close_server(servers.front(), "pooler is shutting down");
    }
  }
  tasks.close();
  crypto.close();
  refusals.close();
  server_crypto.close();
  directory_checks.close();
  tasks.when_empty([this] {
    for (auto& [key, pool] : shards) {
      while (!pool->clients.empty()) close_client(pool->clients.front(), "pooler is shutting down");
      pool->close_idle("pooler is shutting down");
    }
    empty_graveyard();
    patience_.stop();
    watched_.clear();
    shards.clear();
    mailbox_.close();
    loop.stop();
  });
}

void Worker::accept(io::FileDescriptor fd) {
  if (!stopping_) tasks.spawn(log_in(*this, std::move(fd)));
}

void Worker::admit(Admission admission) {
  if (stopping_) return;
  try {
    io::Stream stream = io::Stream::adopt(loop, std::move(admission.parcel));
    admit(std::move(stream), std::move(admission));
  } catch (const SystemError& error) {
    log::error("a client could not be taken over: {}", error.what());
  }
}

void Worker::admit(io::Stream stream, Admission admission) {
  if (!stopping_) tasks.spawn(greet(*this, std::move(stream), std::move(admission)));
}

void Worker::adopt(Snapshot snapshot) {
  const bool same_tls = same_server_tls(config(), *snapshot.config);
  snapshot_ = std::move(snapshot);
  adopt_limits();
  for (auto& [key, pool] : shards) {
    if (!same_tls) pool->mark_for_close("obsolete connection");
    pool->adopt(config());
  }
  open_standing_pools();
  wake_pools();
}

// A login that has waited for the pool as long as it may last at all is over, and so is its place.
void Worker::adopt_limits() {
  shortest_timeouts_ = proxy::shortest_timeouts(config());
  resolver.set_ttl(config().dns_max_ttl, config().dns_nxdomain_ttl);
  crypto.set_patience(config().client_login_timeout);
  refusals.set_patience(config().client_login_timeout);
  directory_checks.set_patience(config().client_login_timeout);
}

// Pools that keep servers open even before their first client: those of one known user.
void Worker::open_standing_pools() {
  for (const auto& [name, database] : config().databases) {
    if (!database.user || config::min_pool_size(config(), database) <= 0) continue;
    if (&home_of(shared, name, *database.user) == this) shard(name, *database.user);
  }
}

void Worker::refuse_waiting(const char* text) {
  for (auto& [key, pool] : shards) {
    while (!pool->waiting.empty()) {
      fail_client(pool->waiting.front(), wire::sqlstate::kProtocolViolation, text);
    }
  }
}

void Worker::end_clients() {
  ends_clients_ = true;
  for (auto& [key, pool] : shards) {
    std::vector<Client*> all;
    for (Client& client : pool->clients) all.push_back(&client);
    for (Client* client : all) end_if_free(*client);
  }
}

void Worker::wake_pools() {
  // Of pools that share a limit, the one whose oldest waiter came first.
  std::vector<PoolShard*> in_turn;
  for (auto& [key, pool] : shards) in_turn.push_back(pool.get());
  const auto turn_of = [](PoolShard* pool) {
    const Micros head = pool->oldest_need();
    return head == 0 ? INT64_MAX : head;
  };
  std::stable_sort(in_turn.begin(), in_turn.end(),
                   [&](PoolShard* a, PoolShard* b) { return turn_of(a) < turn_of(b); });
  for (PoolShard* pool : in_turn) pool->serve_waiters();
}

void Worker::hosts_changed() {
  for (auto& [key, pool] : shards) pool->hosts_changed();
}

PoolShard& Worker::shard(const std::string& database, const std::string& user) {
  auto& entry = shards[{database, user}];
  if (!entry) entry = std::make_unique<PoolShard>(*this, shared.ledgers.pool(database, user));
  return *entry;
}

PoolShard* Worker::find_shard(const std::string& database, const std::string& user) noexcept {
  const auto at = shards.find({database, user});
  return at == shards.end() ? nullptr : at->second.get();
}

bool Worker::evict(const Budget& full, const std::shared_ptr<Ledger>& asking, bool ask_others) {
  if (full.limit() > 0 && full.used() < full.limit()) return false;  // somebody else made room
  PoolShard* oldest = nullptr;
  for (auto& [key, pool] : shards) {
    const bool shares =
        &pool->ledger->database->servers == &full || &pool->ledger->user->servers == &full;
    if (!shares || pool->ledger == asking || !pool->can_evict()) continue;
    if (!oldest || pool->least_recent_use() < oldest->least_recent_use()) oldest = pool.get();
  }
  if (oldest) {
    const bool by_database = &oldest->ledger->database->servers == &full;
    return oldest->evict_idle(by_database ? "evicted for max_db_connections"
                                          : "evicted for max_user_connections");
  }
  if (ask_others) {
    // Whoever closes one gives the slot back, and that wakes us.
    for (Worker* other : shared.workers) {
      if (other != this) {
        // It holds the budget as well.
        other->post([other, &full, asking] { other->evict(full, asking, false); });
      }
    }
  }
  return false;
}

void Worker::take_over(ServerParcel parcel) {
  if (stopping_) return;
  const Ledger& ledger = *parcel.journey.ledger();
  PoolShard& pool = shard(ledger.database->name, ledger.user->name);
  pool.take_over(std::move(parcel));
}

// A server may be on another worker than the one that looked its host up.
void Worker::watch_hosts() {
  last_refresh_ = now();
  resolver.on_dropped([this](const std::string& host, const std::vector<io::Address>& left) {
    for (Worker* worker : shared.workers) {
      worker->post([worker, host, left] { worker->leave_addresses(host, left); });
    }
  });
}

void Worker::leave_addresses(const std::string& host, const std::vector<io::Address>& left) {
  for (auto& [key, pool] : shards) pool->leave_addresses(host, left);
}

void Worker::watch(PoolShard& pool) {
  if (stopping_) return;
  watched_.push_back(&pool);
  if (!patience_.is_active()) patience_.start(Hunger::kPatience, [this] { patience_over(); });
}

void Worker::patience_over() {
  for (PoolShard* pool : std::exchange(watched_, {})) pool->patience_over();
}

template <class F>
void Worker::at_issuer(CancelKey key, F f) {
  Worker* issuer = shared.workers[static_cast<size_t>(KeyTable::issuer(key))];
  if (issuer == this) return f(keys);
  issuer->post([issuer, f] { f(issuer->keys); });
}

bool Worker::send_away(Client& client, int to) {
  try {
    ClientParcel parcel = pack(client, to);
    PoolShard& pool = client.pool;
    pool.clients.erase(client);
    pool.depart(client);
    Seat::leave(*pool.ledger, index_);
    keys.remove(client);
    client.closing = true;
    retire(std::unique_ptr<Client>(&client));
    const CancelKey key = parcel.key;
    at_issuer(key, [key, to](KeyTable& table) { table.set_moved(key, to); });
    Worker* other = shared.workers[static_cast<size_t>(to)];
    other->post(
        [other, parcel = std::move(parcel)]() mutable { other->take_over(std::move(parcel)); });
    return true;
  } catch (const SystemError& error) {
    log::error("{} could not be handed over: {}", log_name(client), error.what());
    return false;
  }
}

void Worker::take_over(ClientParcel parcel) {
  if (stopping_) return;
  const Journey journey = std::move(parcel.journey);
  const Ledger& ledger = *journey.ledger();
  const CancelKey key = parcel.key;
  const uint32_t kills = parcel.kills;
  PoolShard& pool = shard(ledger.database->name, ledger.user->name);
  try {
    Client& client = unpack(*this, pool, std::move(parcel));
    const bool was_killed = kills != ledger.database->kills.load();
    if (was_killed || !route::find_database(config(), pool.database_name())) {
      return fail_client(client, wire::sqlstate::kProtocolViolation, "database removed");
    }
    client.stream.start(client);
  } catch (const SystemError& error) {
    log::error("a client could not be taken over: {}", error.what());
    free_key(key);
  }
}

void Worker::return_key(const Client& client) {
  keys.remove(client);
  free_key(client.key);
}

void Worker::free_key(CancelKey key) {
  shared.peer_keys.forget(key);
  at_issuer(key, [key](KeyTable& table) { table.free(key); });
}

void Worker::retire(std::unique_ptr<Client> client) {
  bury(dead_clients_, std::move(client));
}
void Worker::retire(std::unique_ptr<Server> server, bool made_room) {
  made_room_ = made_room_ || made_room;
  bury(dead_servers_, std::move(server));
}

// The timer fires in the next turn of the loop, when nobody up the stack holds a reference.
template <class T>
void Worker::bury(std::vector<std::unique_ptr<T>>& graves, std::unique_ptr<T> dead) {
  graves.push_back(std::move(dead));
  if (burial_.is_active()) return;
  burial_.start(0, [this] {
    empty_graveyard();
    if (std::exchange(made_room_, false)) wake_pools();
  });
}

void Worker::empty_graveyard() {
  dead_clients_.clear();
  dead_servers_.clear();
}

void Worker::look_again(Micros period) {
  is_quiet_ = period == kQuietPeriod;
  maintenance_.start(period, [this] { maintain(); });
}

void Worker::somebody_waits() {
  if (is_quiet_ && !stopping_) look_again(kBusyPeriod);
}

void Worker::maintain() {
  const Micros now = loop.now();
  if (suspension_ != Suspension::none) return look_again(kQuietPeriod);
  balance_.look(now);
  const bool may_fill = now - last_fill_ >= kFillEvery;
  if (may_fill) last_fill_ = now;
  bool is_quiet = true;
  for (auto& [key, pool] : shards) {
    pool->maintain(now, may_fill);
    is_quiet = is_quiet && !pool->has_work();
  }
  drop_unused_pools(now);
  refresh_hosts(now);
  look_again(is_quiet ? kQuietPeriod : kBusyPeriod);
}

// The serial number of a zone is nothing the system tells: the names are asked for themselves.
void Worker::refresh_hosts(Micros now) {
  const Micros period = config().dns_zone_check_period;
  if (period <= 0 || now - last_refresh_ < period) return;
  last_refresh_ = now;
  resolver.refresh();
}

// Pools that nobody has used for long, and those of databases made from `*`. Tasks that refer to a
// pool hold it, servers on their way find it by name, and the console never keeps one.
void Worker::drop_unused_pools(Micros now) {
  if (now - last_sweep_ < kSweepEvery) return;
  last_sweep_ = now;
  for (auto at = shards.begin(); at != shards.end();) {
    PoolShard& pool = *at->second;
    if (!is_forgotten(pool, now)) {
      ++at;
      continue;
    }
    log::info("cleaning up idle pool: {}/{}", pool.database_name(), pool.user_name());
    std::erase(watched_, &pool);
    at = shards.erase(at);
  }
  if (index_ == 0) shared.ledgers.drop_unused(now, config().autodb_idle_timeout);
}

bool Worker::is_forgotten(const PoolShard& pool, Micros now) const {
  if (!pool.is_unused() || pool.is_standing()) return false;
  const Micros age = now - pool.last_use();
  const Micros pool_timeout = config().pool_idle_timeout;
  if (pool_timeout > 0 && age >= pool_timeout) return true;
  if (config().databases.contains(pool.database_name())) return false;
  // One that was removed from the configuration is of no use at all.
  if (!config().fallback) return true;
  const DatabaseLedger& database = *pool.ledger->database;
  const Micros timeout = config().autodb_idle_timeout;
  return timeout > 0 && age >= timeout && database.clients.used() == 0 &&
         database.servers.used() == 0;
}

}  // namespace remuda::proxy
