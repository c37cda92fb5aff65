// Secrets that auth_query found for the users of one pool (auth database and auth_user), for as
// long as auth_query_cache_ttl says, by query and user name. Look-ups of one key at the same time
// share one query, also when nothing is kept. Bounded; secrets are wiped when they go. Owned by the
// pool's shard on its home worker; one loop.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/deadline.h"
#include "io/loop.h"
#include "io/task.h"
#include "io/task_scope.h"
#include "io/waiter.h"
#include "remuda/base/time.h"
#include "remuda/wire/crypto.h"

namespace remuda::auth {

// What is known of a user. The secret is wiped with it.
struct FoundSecret {
  FoundSecret() = default;
  FoundSecret(const FoundSecret&) = default;
  FoundSecret(FoundSecret&&) = default;
  FoundSecret& operator=(const FoundSecret&) = default;
  FoundSecret& operator=(FoundSecret&&) = default;
  ~FoundSecret() { wire::wipe(secret); }

  bool found = false;
  std::string name;         // as the query spelled it
  std::string secret;       // empty: nothing matches it
  bool may_be_old = false;  // from the cache, or from a query that somebody else had begun
};

class SecretCache {
 public:
  static constexpr size_t kMost = 10000;
  static constexpr Micros kNegativeTtl = kSecond;    // of users not found or without a secret
  static constexpr Micros kRefreshPeriod = kSecond;  // between two refreshes of one key

  struct Key {
    std::string query;
    std::string user;
    auto operator<=>(const Key&) const = default;
  };
  // Runs the query. It must end by itself: the cache has no time limit for it.
  using Fetch = std::function<io::Task<FoundSecret>(const Key&)>;

  // Queries are tasks of that scope, which ends before the cache does.
  SecretCache(io::Loop& loop, io::TaskScope& tasks, Fetch fetch);
  ~SecretCache();
  SecretCache(const SecretCache&) = delete;
  SecretCache& operator=(const SecretCache&) = delete;

  // From the cache if it is there and young enough, else from a query. `refresh` asks again
  // although it is there, once per kRefreshPeriod and key. Throws what the query threw, to all who
  // wait for it; TimedOut when the caller's own deadline passes, Closed when the scope closes.
  io::Task<FoundSecret> get(Key key, bool refresh, io::Deadline& deadline);

  // Forgets everything, and keeps what is found from now on for `ttl`; 0 keeps nothing.
  void reset(Micros ttl);
  void clear();
  void drop_expired();
  size_t size() const noexcept { return by_key_.size(); }

 private:
  struct Entry {
    Key key;
    FoundSecret found;
    Micros fetched = 0;
    Micros refreshed = 0;  // when a refresh was last begun
  };
  using Entries = std::list<Entry>;
  // A query on its way and who waits for it.
  struct Flight {
    std::vector<io::Waiter<FoundSecret>*> waiters;
    uint64_t generation = 0;
  };
  struct Seat;

  const FoundSecret* find(const Key& key, bool refresh);
  io::Task<void> fly(Key key);
  void land(const Key& key, const FoundSecret& found);
  void crash(const Key& key, std::exception_ptr why);
  void keep(const Key& key, const FoundSecret& found);
  void drop(Entries::iterator entry);
  Micros ttl_of(const Entry& entry) const noexcept;

  io::Loop& loop_;
  io::TaskScope& tasks_;
  const Fetch fetch_;
  Micros ttl_ = 0;
  uint64_t generation_ = 0;  // raised by clear(): what was asked before it is not kept
  Entries entries_;          // the longest known first
  std::map<Key, Entries::iterator> by_key_;
  std::map<Key, Flight> flights_;
};

}  // namespace remuda::auth
