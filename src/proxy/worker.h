// A thread with a loop, and everything only it touches: pools, clients, servers, login tasks. Other
// threads talk to it by posting to its mailbox.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "auth/scram_cache.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/offload.h"
#include "io/resolver.h"
#include "io/task_scope.h"
#include "io/timer.h"
#include "pg/key_cache.h"
#include "proxy/admission.h"
#include "proxy/balance.h"
#include "proxy/client.h"
#include "proxy/client_parcel.h"
#include "proxy/key_table.h"
#include "proxy/login_entry.h"
#include "proxy/pool_shard.h"
#include "proxy/server.h"
#include "proxy/shared.h"
#include "remuda/session/parameters.h"

namespace remuda::proxy {

// How far SUSPEND has come: sockets are read until nothing that was sent is left half-way, those of
// servers as long as a client somewhere may be waiting for one.
enum class Suspension : uint8_t { none, clients, all };

class Worker {
 public:
  // Of the thread pool, at most, for one worker.
  static constexpr size_t kCryptoThreads = 2;
  static constexpr size_t kServerCryptoThreads = 1;
  static constexpr size_t kRefusalThreads = 1;
  static constexpr size_t kDirectoryThreads = 4;

  Worker(Shared& shared, int index, Snapshot snapshot);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // ---- Any thread ----
  template <class F>
  void post(F&& f) {
    mailbox_.post(std::forward<F>(f));
  }
  int index() const noexcept { return index_; }
  int logins() const noexcept { return logins_.load(std::memory_order_relaxed); }
  // Thousandths of a core that the thread used of late.
  int load() const noexcept { return load_.load(std::memory_order_relaxed); }
  void set_load(int load) noexcept { load_.store(load, std::memory_order_relaxed); }
  void count_login(int change) noexcept { logins_.fetch_add(change, std::memory_order_relaxed); }

  // Body of the thread; returns after stop().
  void run();

  // ---- This thread only ----
  void stop();
  void accept(io::FileDescriptor fd);  // a new connection
  void admit(Admission admission);     // with the connection in its parcel
  void admit(io::Stream stream, Admission admission);
  void adopt(Snapshot snapshot);
  void refuse_waiting(const char* text);  // FATAL to every client in a queue
  // From now on clients are ended as soon as they have no transaction.
  void end_clients();
  bool ends_clients() const noexcept { return ends_clients_; }
  // Stops reading, of clients or of servers too, wherever nothing is half-way. True when that is
  // everywhere; to be called until then. `by_force` closes what is half-way.
  bool suspend(Suspension what, bool by_force);
  void resume_suspended();
  Suspension suspension() const noexcept { return suspension_; }
  void wake_pools();  // a budget has room again: waiting pools try once more
  PoolShard& shard(const std::string& database, const std::string& user);
  PoolShard* find_shard(const std::string& database, const std::string& user) noexcept;
  // Closes the least recently used idle server of a pool that shares the full budget, other than
  // `asking`; when this worker has none, asks the others. True when room was made here.
  bool evict(const Budget& full, const std::shared_ptr<Ledger>& asking, bool ask_others);
  void hosts_changed();                 // some host has another state or role
  void take_over(ServerParcel parcel);  // a server that another worker had
  // Has pools looked after more often until nobody waits.
  void somebody_waits();
  // These are all addresses a host has now: servers at others are closed when they are free.
  void leave_addresses(const std::string& host, const std::vector<io::Address>& left);
  // Calls its patience_over() in a moment.
  void watch(PoolShard& pool);
  // An idle client goes to another worker. False when out of descriptors: it stays.
  bool send_away(Client& client, int to);
  void take_over(ClientParcel parcel);
  // The client ends: its key may be issued again.
  void return_key(const Client& client);
  // Deletes at the end of this turn of the loop, so that callers up the stack may still look.
  void retire(std::unique_ptr<Client> client);
  // `made_room`: its slot is free again, so that pools which wait try once more.
  void retire(std::unique_ptr<Server> server, bool made_room = true);
  const config::Config& config() const noexcept { return *snapshot_.config; }
  const Snapshot& snapshot() const noexcept { return snapshot_; }
  Micros now() noexcept { return loop.now(); }
  const ClientTimeouts& shortest_timeouts() const noexcept { return shortest_timeouts_; }
  session::Limits limits() noexcept {
    return {.max_packet_size = config().max_packet_size,
            .max_prepared_statements = config().max_prepared_statements,
            .prepare_unnamed = config().prepare_unnamed,
            .statements = &statements};
  }

  Shared& shared;
  io::Loop loop{shared.pool};
  session::ParameterTable parameters;
  session::StatementTable statements;
  io::Resolver resolver{loop};
  io::OffloadLimit crypto{loop, kCryptoThreads};     // for clients: handshakes, PBKDF2 and the like
  io::OffloadLimit refusals{loop, kRefusalThreads};  // what refused logins cost
  // As `crypto` for servers, which are not to wait until strangers have been served.
  io::OffloadLimit server_crypto{loop, kServerCryptoThreads};
  io::OffloadLimit directory_checks{loop, kDirectoryThreads};  // LDAP, PAM, system users
  pg::KeyCache server_keys{loop, server_crypto};               // towards servers
  auth::ScramCache scram_secrets{loop, crypto};                // towards clients
  List<LoginEntry, InLogin> login_entries;                     // the frames of tasks hold them
  io::TaskScope tasks;                                         // logins, dials, cancel requests
  KeyTable keys;
  std::vector<char> scratch;  // for one egress at a time
  std::map<std::pair<std::string, std::string>, std::unique_ptr<PoolShard>> shards;

 private:
  void look_again(Micros period);
  void maintain();
  void patience_over();
  void watch_hosts();
  void refresh_hosts(Micros now);
  // Runs `f` on the table of the worker that issued the key.
  template <class F>
  void at_issuer(CancelKey key, F f);
  void free_key(CancelKey key);
  void adopt_limits();
  void drop_unused_pools(Micros now);
  bool is_forgotten(const PoolShard& pool, Micros now) const;
  void open_standing_pools();
  template <class T>
  void bury(std::vector<std::unique_ptr<T>>& graves, std::unique_ptr<T> dead);
  void empty_graveyard();

  const int index_;
  std::atomic<int> logins_{0};
  std::atomic<int> load_{0};
  Snapshot snapshot_;
  io::Mailbox mailbox_{loop};
  io::Timer maintenance_{loop};
  io::Timer stats_mark_{loop};
  io::Timer burial_{loop};
  io::Timer patience_{loop};
  std::vector<PoolShard*> watched_;
  bool made_room_ = false;
  Balance balance_{*this};
  bool is_quiet_ = true;  // at the last look nobody waited
  Micros last_fill_ = 0;
  Micros last_sweep_ = 0;
  Micros last_refresh_ = 0;  // of the resolver
  ClientTimeouts shortest_timeouts_;
  std::vector<std::unique_ptr<Client>> dead_clients_;
  std::vector<std::unique_ptr<Server>> dead_servers_;
  bool stopping_ = false;
  bool ends_clients_ = false;
  Suspension suspension_ = Suspension::none;
};

}  // namespace remuda::proxy
