// What all workers share of databases, users and pools: limits, flags, epochs. Found once per login
// through the Ledgers registry, then held by shared pointers. Any thread: atomics, and a mutex around
// the registry's maps only.
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
#include "proxy/wait_reason.h"

namespace remuda::proxy {

struct DatabaseLedger {
  explicit DatabaseLedger(std::string n) : name(std::move(n)) {}
  const std::string name;
  Budget servers;  // max_db_connections
  Budget clients;  // max_db_client_connections
  std::atomic<bool> paused{false};
  std::atomic<bool> disabled{false};
  std::atomic<uint32_t> epoch{0};  // raised by RECONNECT and by changes of the connect string
};

struct UserLedger {
  explicit UserLedger(std::string n) : name(std::move(n)) {}
  const std::string name;
  Budget servers;  // max_user_connections
  Budget clients;  // max_user_client_connections
};

// The shared part of one (database, user) pool.
struct Ledger {
  std::shared_ptr<DatabaseLedger> database;
  std::shared_ptr<UserLedger> user;  // the forced user, if the database has one
  Budget servers;                    // pool_size
  std::atomic<int> reserve{0};       // reserve_pool_size
};

class Ledgers {
 public:
  // `wake` tells a worker that room may have appeared; it must be callable from any thread.
  explicit Ledgers(std::function<void(int worker)> wake) : wake_(std::move(wake)) {}

  std::shared_ptr<DatabaseLedger> database(const std::string& name);
  std::shared_ptr<UserLedger> user(const std::string& name);
  // Null if nobody has asked for it so far.
  std::shared_ptr<DatabaseLedger> find_database(const std::string& name) const;
  std::shared_ptr<Ledger> pool(const std::string& database, const std::string& user);

  // Brings all limits to the values of a new configuration; new entries get theirs when made.
  void adopt(std::shared_ptr<const config::Config> config);

  std::vector<std::shared_ptr<DatabaseLedger>> databases() const;
  std::vector<std::shared_ptr<UserLedger>> users() const;
  Budget& clients() { return clients_; }  // max_client_conn
  // PAUSE without a name; a paused pool hands out no servers.
  std::atomic<bool>& paused() { return paused_; }
  bool is_paused(const DatabaseLedger& database) const noexcept {
    return paused_.load(std::memory_order_relaxed) || database.paused.load(std::memory_order_relaxed);
  }
  void wake(uint64_t workers) const;

 private:
  void set_limits(DatabaseLedger& database) const;
  void set_limits(UserLedger& user) const;
  void set_limits(Ledger& pool) const;

  const std::function<void(int)> wake_;
  Budget clients_;
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
  // Takes one of every budget, or none. On failure `why` says which was full, and the budget knows
  // that this worker wants to be woken. `with_reserve` allows the reserve pool as well.
  static std::optional<Slot> reserve(Ledgers& ledgers, std::shared_ptr<Ledger> ledger, int worker,
                                     bool with_reserve, WaitReason& why);

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
