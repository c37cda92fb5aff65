#include "proxy/ledger.h"

#include <bit>

#include "config/effective.h"
#include "proxy/tls_setup.h"
#include "remuda/base/log.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

const config::Database* entry_of(const config::Config& config, const std::string& name) {
  const auto at = config.databases.find(name);
  if (at != config.databases.end()) return &at->second;
  return config.fallback ? &*config.fallback : nullptr;
}

// False when servers opened for the one entry cannot serve the other.
bool connects_alike(const config::Database& a, const config::Database& b) {
  return a.dbname == b.dbname && a.hosts == b.hosts && a.port == b.port && a.ports == b.ports &&
         a.user == b.user && a.target_session_attrs == b.target_session_attrs &&
         a.connect_query == b.connect_query && a.auth_dbname == b.auth_dbname &&
         a.auth_query == b.auth_query && a.load_balance_hosts == b.load_balance_hosts;
}

// Takes from a budget, or registers the wish and tries once more, so that no return is missed. A
// full budget is asked for per query, so that what is there already is not written again.
bool take_or_want(Budget& budget, int worker, int extra) {
  if (budget.take(extra)) return true;
  budget.want(worker);
  return budget.take(extra);
}

void forget_servers(Ledger& pool) {
  pool.closings.fetch_add(1);
  pool.facts.forget_greeting();
}

bool take_in_turn(SharedBudget& limit, const Ledger* pool, Micros since) {
  return !limit.claims.is_another_older(pool, since) && limit.take();
}

void give_back(const Ledgers& ledgers, Budget& budget) {
  budget.give_back();
  ledgers.wake(budget.take_hungry());
}

void give_back(const Ledgers& ledgers, SharedBudget& limit) {
  limit.give_back();
  ledgers.wake_first(limit);
}

}  // namespace

Ledger::Ledger(std::shared_ptr<DatabaseLedger> its_database, std::shared_ptr<UserLedger> its_user,
               size_t worker_count)
    : database(std::move(its_database)),
      user(std::move(its_user)),
      workers(worker_count),
      parts(std::make_unique<Part[]>(worker_count)),
      hunger(worker_count) {}

int Ledger::client_count() const noexcept {
  int count = 0;
  for (size_t i = 0; i < workers; ++i) count += parts[i].clients.load(std::memory_order_relaxed);
  return count;
}

std::shared_ptr<DatabaseLedger> Ledgers::database(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& entry = databases_[name];
  if (!entry) {
    entry = std::make_shared<DatabaseLedger>(name);
    set_limits(*entry);
    const bool is_made = config_->fallback && !config_->databases.contains(name);
    if (is_made) log::info("registered new auto-database: {}", name);
  }
  return entry;
}

std::shared_ptr<DatabaseLedger> Ledgers::find_database(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = databases_.find(name);
  return at == databases_.end() ? nullptr : at->second;
}

std::shared_ptr<UserLedger> Ledgers::user(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& entry = users_[name];
  if (!entry) {
    entry = std::make_shared<UserLedger>(name);
    set_limits(*entry);
  }
  return entry;
}

std::shared_ptr<Ledger> Ledgers::pool(const std::string& database_name,
                                      const std::string& user_name) {
  auto database_ledger = database(database_name);
  auto user_ledger = user(user_name);
  const std::lock_guard lock(mutex_);
  auto& entry = pools_[{database_name, user_name}];
  if (!entry) {
    entry = std::make_shared<Ledger>(std::move(database_ledger), std::move(user_ledger), workers_);
    set_limits(*entry);
  }
  return entry;
}

void Ledgers::adopt(std::shared_ptr<const config::Config> config) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<const config::Config> before = std::exchange(config_, std::move(config));
  for (auto& [name, entry] : databases_) {
    const config::Database* old_entry = before ? entry_of(*before, name) : nullptr;
    const config::Database* new_entry = entry_of(*config_, name);
    if (!old_entry || !new_entry) continue;
    const bool is_alike = connects_alike(*old_entry, *new_entry) &&
                          config::has_health_checks(*before, *old_entry) ==
                              config::has_health_checks(*config_, *new_entry);
    if (!is_alike) entry->epoch.fetch_add(1);
  }
  const bool same_tls = !before || same_server_tls(*before, *config_);
  for (auto& [key, entry] : pools_) {
    if (!same_tls || !entry_of(*config_, key.first)) forget_servers(*entry);
  }
  clients_.set_limit(config_->max_client_conn);
  consoles_.set_limit(config_->max_db_client_connections);
  for (auto& [name, entry] : databases_) set_limits(*entry);
  for (auto& [name, entry] : users_) set_limits(*entry);
  for (auto& [key, entry] : pools_) set_limits(*entry);
}

void Ledgers::close_servers(const std::string& database) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : pools_) {
    if (database.empty() || key.first == database) forget_servers(*entry);
  }
}

void Ledgers::drop_unused(Micros now, Micros idle_timeout) {
  const std::lock_guard lock(mutex_);
  // Who has no reference can get one only here, so a count of one stays one.
  const auto is_alone = [](const auto& entry) { return entry.second.use_count() == 1; };
  std::erase_if(pools_, is_alone);
  std::erase_if(users_, is_alone);
  std::erase_if(databases_, [&](const auto& entry) {
    DatabaseLedger& database = *entry.second;
    const bool is_used = database.clients.used() > 0 || database.servers.used() > 0;
    if (is_used || database.paused || database.disabled) database.unused_since = 0;
    if (is_used || database.paused || database.disabled) return false;
    if (database.unused_since == 0) database.unused_since = now;
    if (config_->databases.contains(entry.first) || !is_alone(entry)) return false;
    return idle_timeout > 0 && now - database.unused_since >= idle_timeout;
  });
}

std::vector<std::shared_ptr<DatabaseLedger>> Ledgers::databases() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<DatabaseLedger>> all;
  for (const auto& [name, entry] : databases_) all.push_back(entry);
  return all;
}

std::vector<std::shared_ptr<UserLedger>> Ledgers::users() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<UserLedger>> all;
  for (const auto& [name, entry] : users_) all.push_back(entry);
  return all;
}

void Ledgers::wake(uint64_t workers) const {
  while (workers != 0) {
    wake_(std::countr_zero(workers));
    workers &= workers - 1;
  }
}

void Ledgers::withdraw(SharedBudget& limit, const Ledger* pool, int worker) const {
  limit.claims.withdraw(pool, worker);
  wake_first(limit);
}

void Ledgers::wake_first(const SharedBudget& limit) const {
  const std::optional<Claims::Claim> first = limit.claims.first();
  if (first && !limit.is_full()) wake_(first->worker);
}

void Ledgers::set_limits(DatabaseLedger& database) const {
  const config::Database* entry = entry_of(*config_, database.name);
  if (entry == nullptr) return;
  database.servers.set_limit(config::max_db_connections(*config_, *entry));
  database.clients.set_limit(config::max_db_client_connections(*config_, *entry));
}

void Ledgers::set_limits(UserLedger& user) const {
  const config::User* entry = route::find_user(*config_, user.name);
  user.servers.set_limit(config::max_user_connections(*config_, entry));
  user.clients.set_limit(config::max_user_client_connections(*config_, entry));
}

void Ledgers::set_limits(Ledger& pool) const {
  const config::Database* database = entry_of(*config_, pool.database->name);
  if (database == nullptr) return;
  const config::User* user = route::find_user(*config_, pool.user->name);
  pool.servers.set_limit(config::pool_size(*config_, *database, user));
  pool.reserve.store(config::reserve_pool_size(*config_, *database, user));
}

std::optional<Slot> Slot::reserve(Ledgers& ledgers, std::shared_ptr<Ledger> ledger, int worker,
                                  bool with_reserve, Micros since, WaitReason& why) {
  const int extra = with_reserve ? ledger->reserve.load() : 0;
  if (!take_or_want(ledger->servers, worker, extra)) {
    why = WaitReason::pool_full;
    return std::nullopt;
  }
  if (!take_in_turn(ledger->database->servers, ledger.get(), since)) {
    give_back(ledgers, ledger->servers);
    why = WaitReason::database_limit;
    return std::nullopt;
  }
  if (!take_in_turn(ledger->user->servers, ledger.get(), since)) {
    give_back(ledgers, ledger->database->servers);
    give_back(ledgers, ledger->servers);
    why = WaitReason::user_limit;
    return std::nullopt;
  }
  return Slot(ledgers, std::move(ledger));
}

Slot::~Slot() {
  if (!ledger_) return;
  give_back(*ledgers_, ledger_->servers);
  give_back(*ledgers_, ledger_->database->servers);
  give_back(*ledgers_, ledger_->user->servers);
}

}  // namespace remuda::proxy
