// What all workers share of databases, users and pools: limits, flags, epochs. Found once per login
// through the Ledgers registry, then held by shared pointers. Any thread: atomics, and a mutex
// around the registry's maps only.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "proxy/budget.h"
#include "proxy/claims.h"
#include "proxy/hunger.h"
#include "proxy/pool_facts.h"
#include "proxy/wait_reason.h"

namespace remuda::proxy {

struct DatabaseLedger {
  explicit DatabaseLedger(std::string n) : name(std::move(n)) {}
  const std::string name;
  SharedBudget servers;  // max_db_connections
  Budget clients;        // max_db_client_connections
  std::atomic<bool> paused{false};
  std::atomic<bool> disabled{false};
  std::atomic<uint32_t> epoch{0};  // raised by RECONNECT and by changes of the connect string
  std::atomic<uint32_t> kills{0};  // raised by KILL, before any worker ends its clients
  Micros unused_since = 0;         // of Ledgers, under its mutex
};

struct UserLedger {
  explicit UserLedger(std::string n) : name(std::move(n)) {}
  const std::string name;
  SharedBudget servers;  // max_user_connections
  Budget clients;        // max_user_client_connections
};

// The shared part of one (database, user) pool.
struct Ledger {
  Ledger(std::shared_ptr<DatabaseLedger> its_database, std::shared_ptr<UserLedger> its_user,
         size_t worker_count);

  const std::shared_ptr<DatabaseLedger> database;
  const std::shared_ptr<UserLedger> user;  // the forced user, if the database has one
  Budget servers;                          // pool_size
  std::atomic<int> reserve{0};             // reserve_pool_size
  PoolFacts facts;

  // What each worker's part of the pool has, by the worker's number.
  struct Part {
    std::atomic<int> clients{0};  // placed there, from login to end
  };
  const size_t workers;
  const std::unique_ptr<Part[]> parts;
  int client_count() const noexcept;
  // The limit that a wait for this reason, database_limit or user_limit, is due to.
  SharedBudget& shared_limit(WaitReason why) const noexcept {
    return why == WaitReason::database_limit ? database->servers : user->servers;
  }

  Hunger hunger;
  std::atomic<uint64_t> lenders{0};          // workers that have servers, as bits
  std::atomic<int> travelling{0};            // connections on their way from one worker to another
  std::atomic<uint32_t> closings{0};         // raised when all servers are to be closed
  std::atomic<uint64_t> greeting_wanted{0};  // workers where logins wait for a first server
  std::atomic<Micros> last_lifetime_close{0};
  std::atomic<size_t> next_host{0};  // for the next dial, as is the address of that host
  std::atomic<size_t> next_address{0};
};

class Ledgers {
 public:
  // `wake` tells a worker that room may have appeared; it must be callable from any thread.
  explicit Ledgers(std::function<void(int worker)> wake) : wake_(std::move(wake)) {}
  // At most: workers are bits of a word.
  static constexpr size_t kMostWorkers = 64;
  // Before the first pool is asked for.
  void set_workers(size_t count) noexcept { workers_ = count; }

  std::shared_ptr<DatabaseLedger> database(const std::string& name);
  std::shared_ptr<UserLedger> user(const std::string& name);
  // Null if nobody has asked for it so far.
  std::shared_ptr<DatabaseLedger> find_database(const std::string& name) const;
  std::shared_ptr<Ledger> pool(const std::string& database, const std::string& user);

  // Brings all limits to the values of a new configuration; new entries get theirs when made.
  void adopt(std::shared_ptr<const config::Config> config);

  // Servers of a database's pools, or of all when the name is empty, are of no use any more. To be
  // called before the workers are told, as some servers are on their way between them.
  void close_servers(const std::string& database);

  // Forgets pools and users that nobody refers to, and databases that are not configured, nor
  // paused or disabled, once they have been without clients and servers for `idle_timeout` (0:
  // never).
  void drop_unused(Micros now, Micros idle_timeout);

  std::vector<std::shared_ptr<DatabaseLedger>> databases() const;
  std::vector<std::shared_ptr<UserLedger>> users() const;
  Budget& clients() { return clients_; }  // max_client_conn
  // Of the console's database, its admins not counted: max_db_client_connections.
  Budget& consoles() { return consoles_; }
  // PAUSE without a name; a paused pool hands out no servers.
  std::atomic<bool>& paused() { return paused_; }
  bool is_paused(const DatabaseLedger& database) const noexcept {
    return paused_.load(std::memory_order_relaxed) ||
           database.paused.load(std::memory_order_relaxed);
  }
  void wake(uint64_t workers) const;
  // A part of a pool waits no longer under a limit: if there is room, the next one is told.
  void withdraw(SharedBudget& limit, const Ledger* pool, int worker) const;
  // There is room: of those that wait for it, the one that has waited longest is told.
  void wake_first(const SharedBudget& limit) const;

 private:
  void set_limits(DatabaseLedger& database) const;
  void set_limits(UserLedger& user) const;
  void set_limits(Ledger& pool) const;

  const std::function<void(int)> wake_;
  size_t workers_ = kMostWorkers;
  Budget clients_;
  Budget consoles_;
  std::atomic<bool> paused_{false};
  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<const config::Config> config_;
  std::map<std::string, std::shared_ptr<DatabaseLedger>> databases_;
  std::map<std::string, std::shared_ptr<UserLedger>> users_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Ledger>> pools_;
};

// The right to one server connection. Its end gives back all budgets, on whatever thread.
class Slot {
 public:
  // Takes one of every budget, or none. On failure `why` says which was full, or owed to a pool
  // that has waited for longer than this one, which has `since` then (0: nobody waits for it). A
  // full pool knows that this worker wants to be woken; at a shared limit that takes a claim.
  // `with_reserve` allows the reserve pool as well.
  static std::optional<Slot> reserve(Ledgers& ledgers, std::shared_ptr<Ledger> ledger, int worker,
                                     bool with_reserve, Micros since, WaitReason& why);

  Slot(Slot&& other) noexcept : ledgers_(other.ledgers_), ledger_(std::move(other.ledger_)) {}
  Slot& operator=(Slot&& other) noexcept {
    std::swap(ledgers_, other.ledgers_);
    std::swap(ledger_, other.ledger_);
    return *this;
  }
  ~Slot();

 private:
  Slot(Ledgers& ledgers, std::shared_ptr<Ledger> ledger)
      : ledgers_(&ledgers), ledger_(std::move(ledger)) {}
  Ledgers* ledgers_;
  std::shared_ptr<Ledger> ledger_;
};

}  // namespace remuda::proxy
