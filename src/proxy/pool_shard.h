// A worker's part of the pool of one (database, user): its servers, its clients, those that wait.
// Owned by the worker, touched by its thread only; what workers share is in the ledger.
//
// pool_shard.cc lends servers to clients, pool_shard_tasks.cc to queries of our own;
// pool_shard_lend.cc lets servers go to other workers and come from them; pool_shard_open.cc opens
// them, pool_shard_limits.cc in turn with other pools at a limit they share; pool_shard_leave.cc
// cleans up behind clients that leave; pool_shard_hosts.cc knows which hosts are there;
// pool_shard_timeouts.cc ends clients that take too long, pool_shard_upkeep.cc servers that last
// too long.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/secret_cache.h"
#include "config/config.h"
#include "io/deadline.h"
#include "io/task.h"
#include "io/waiter.h"
#include "proxy/client.h"
#include "proxy/client_timeouts.h"
#include "proxy/ledger.h"
#include "proxy/pool_facts.h"
#include "proxy/server.h"
#include "proxy/server_lease.h"
#include "proxy/server_parcel.h"
#include "proxy/stats.h"
#include "proxy/wait_reason.h"
#include "remuda/base/list.h"
#include "route/host_board.h"

namespace remuda::proxy {

// The effective settings of a pool, resolved from the configuration once per reload.
struct PoolSettings {
  config::PoolMode mode = config::PoolMode::session;
  int size = 20;
  int min_size = 0;
  Micros server_lifetime = 0;
  Micros query_wait_timeout = 0;
  bool has_forced_user = false;
};

class PoolShard {
 public:
  PoolShard(Worker& its_worker, std::shared_ptr<Ledger> its_ledger);
  ~PoolShard();

  const std::string& database_name() const noexcept { return ledger->database->name; }
  const std::string& user_name() const noexcept { return ledger->user->name; }

  // ---- For the relay ----
  // Gives the client a server at once, or queues it. Null when it was queued or closed.
  Server* acquire(Client& client);
  // Ends the lease. The server is then to be released or closed by the caller.
  void unlink(Client& client);
  // The server is quiet and its lease has ended: reset, close, hand on or keep it.
  void release(Server& server);
  // A reset or check query was answered, a cancel request has ended, or a backlog is gone.
  void tested(Server& server);
  void remove(Server& server);  // it closes; the worker will delete it
  void leave_queue(Client& client);
  // The client ends. A server of its is released, once it has rolled back or answered what is open,
  // or closed.
  void depart(Client& client);

  // ---- For queries of our own ----
  // Lends a server to a task, before any client that waits. Opens one if limits permit; throws what
  // that met, TimedOut by the deadline, Closed when the worker stops.
  io::Task<ServerLease> lease(io::Deadline& deadline);
  // The server is quiet: it may serve others.
  void give_back(ServerLease lease);

  // ---- For replication ----
  // The right to one more server, in turn with those that wait for one; an idle server makes room.
  io::Task<Slot> room(io::Deadline& deadline);
  // The server is the client's until it leaves, and is then closed.
  void give_own(Client& client, std::unique_ptr<Server> own);
  // Such a server is being opened while one of these exists.
  class OwnDial {
   public:
    explicit OwnDial(PoolShard& pool) noexcept;
    ~OwnDial();
    OwnDial(const OwnDial&) = delete;
    OwnDial& operator=(const OwnDial&) = delete;

   private:
    PoolShard& pool_;
  };

  // ---- For other workers ----
  // Somebody there waits: idle servers go there, unless somebody waits here.
  void feed();
  void take_over(ServerParcel parcel);
  // Its oldest waiter may have waited long enough to ask others.
  void patience_over();
  // A server was opened elsewhere, or could not be.
  void greeting_arrived();
  void fail_waiters_if_hopeless(const DialFailure& failure);

  // ---- For dialling ----
  void server_opened(std::unique_ptr<Server> opened, ServerParameters parameters);
  void dial_failed(const DialFailure& failure, bool tell_waiters);
  // Starts a dial if somebody waits, or min_pool_size asks for it, and limits permit.
  void try_dial();
  // Parameters for a client's greeting, as the first server reported them. Waits for one server
  // login; throws what that login met.
  using Greeting = std::shared_ptr<const ServerParameters>;
  io::Task<Greeting> await_greeting(io::Deadline& deadline);

  // ---- For maintenance and the console ----
  void adopt(const config::Config& config);  // resolves the settings again
  void maintain(Micros now, bool may_fill);
  // Somebody waits, or a server is being opened or tested.
  bool has_work() const noexcept {
    return has_waiters() || !greeting_waiters_.empty() || !room_waiters_.empty() || dials_ > 0 ||
           !tested_.empty();
  }
  // Lends idle servers to waiting clients, then dials.
  void serve_waiters();
  void close_idle(const char* reason);
  // Closes the least recently used idle server, unless somebody waits here.
  bool evict_idle(const char* reason);
  bool can_evict() const noexcept { return !idle_.empty() && !has_waiters(); }
  Micros least_recent_use() noexcept { return idle_.back().idle_since; }
  // RECONNECT and the like: every server is closed when it is free, an idle one with this reason.
  void mark_for_close(const char* reason = "close_needed");
  // The same for servers of that host at addresses that are not `left`.
  void leave_addresses(const std::string& host, const std::vector<io::Address>& left);
  void drop_clients(const char* text);  // those that wait to be greeted, too
  // To be closed as soon as it is free.
  bool is_stale(const Server& server) const noexcept;
  // The state or the role of some host has changed.
  void hosts_changed();
  // The hosts that are checked for this pool; null: they are not.
  const std::shared_ptr<const route::Cluster>& cluster() const noexcept { return cluster_; }
  bool is_drained() const noexcept {
    return active_.empty() && tested_.empty() && dials_ == 0 && ledger->travelling == 0;
  }
  // Nobody has it, asks it or refers to it: it may be deleted.
  bool is_unused() const noexcept;
  bool is_standing() const noexcept;
  // When maintenance last saw clients, or servers at work. Monotonic.
  Micros last_use() const noexcept { return last_use_; }
  // While a task holds it the pool is not deleted, though all its clients and servers may end.
  void pin() noexcept { ++pins_; }
  void unpin() noexcept { --pins_; }
  class Hold {
   public:
    explicit Hold(PoolShard& pool) noexcept : pool_(pool) { pool_.pin(); }
    ~Hold() { pool_.unpin(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    PoolShard& pool_;
  };
  size_t server_count() const noexcept { return idle_.size() + active_.size() + tested_.size(); }
  // When the oldest of clients and tasks that wait came; 0 without one.
  Micros oldest_head() noexcept;
  // The same, of all that need a server opened for them: logins and replication as well.
  Micros oldest_need() noexcept;
  Micros oldest_wait(Micros now) noexcept;
  size_t used_count(Micros now, Micros check_delay) noexcept;

  Worker& worker;
  const std::shared_ptr<Ledger> ledger;
  PoolSettings settings;
  StatsHistory stats;
  WaitClock waits;
  List<Client, InPool> clients;
  List<Client, InClientState> waiting;
  List<Client, InClientState>& list_of(ClientState state) noexcept;
  List<Server, InState>& list_of(ServerState state) noexcept;
  int dials() const noexcept { return dials_; }
  uint64_t lent = 0;          // servers that went to other workers
  uint64_t taken = 0;         // and that came from them
  auth::SecretCache secrets;  // of the users that this pool's servers were asked for

 private:
  // `wanted`: how many wait, the asking one included.
  Server* take_idle(size_t wanted);
  bool has_waiters() const noexcept { return !waiting.empty() || !lease_waiters_.empty(); }
  io::Task<ServerLease> next_lease(io::Deadline& deadline);
  io::Task<void> next_greeting(io::Deadline& deadline);
  ServerLease start_lease(Server& server);
  void serve_tasks();
  void throw_if_hopeless() const;
  void link(Client& client, Server& server);
  void queue(Client& client);
  void settle(Server& server, Micros idle_since);
  void make_available(Server& server, Micros idle_since);
  void move_to(Server& server, ServerState state);
  void move_to(Client& client, List<Client, InClientState>& list);
  void note_reset_due(Server& server) noexcept;
  bool drain(Server& server);
  size_t coming_count() noexcept;
  void enlist(Server& server);
  bool start_internal(Server& server, const std::string& sql);
  bool is_worn_out(const Server& server, Micros now) const noexcept;
  void close_expired(Micros now);
  void offer_room();
  std::optional<Slot> make_room();
  void ask_others_for_room();
  bool owes_room() noexcept;
  void close_stale_active();
  const char* stale_reason(const Server& server) const noexcept;
  void find_cluster(const config::Database& database);
  void note_hosts(Micros now);
  void note_strangers();
  void close_lost_tests();
  void interrupt_lost_dials();
  void note_waits_for_host();
  bool may_wait_for_host();
  bool is_lost(const Server& server) const noexcept;
  bool is_misplaced(const Server& server) const;
  bool wants_primary() const noexcept;
  void close_lost(Server& server);
  void fail_waits_for_host(Micros now);
  void close_undrained(Micros now);
  void note_use(Micros now) noexcept;
  void fail_slow_clients(Micros now);
  void fail_long_waits(Micros now);
  void fail_long_logins(Micros now);
  void notify_long_waits(Micros now);
  bool has_connect_query() const;
  bool start_connect_query(Server& server);
  void start_reset(Server& server, std::string sql);
  void start_dial(Slot slot, WaitReason reason);
  std::optional<Slot> reserve_slot(WaitReason& why);
  std::optional<Slot> reserve_in_turn(bool with_reserve, WaitReason& why);
  bool may_dial();
  void claim(WaitReason why);
  void renew_claim();
  void withdraw_claim();
  const char* owed_limit() noexcept;
  void set_reason(WaitReason reason);
  bool is_failing() const noexcept;
  bool is_short() const noexcept;
  bool has_usable_server() noexcept;
  DialFailure cached_failure() const;
  void fill();
  bool is_paused() const noexcept;
  // Nobody, here or elsewhere, has a server or is opening one.
  bool has_no_server() const noexcept;
  bool others_have_servers() const noexcept;
  bool lend(Server& server);
  void ask_others();
  void watch();
  void state_hunger(Micros head);
  void note_fed();
  uint64_t worker_bit() const noexcept;
  template <class F>
  void tell(uint64_t workers, F f);
  void tell_greeting();
  void tell_failure(const DialFailure& failure);
  Greeting greeting() const;

  List<Server, InState> idle_;  // most recently used first
  List<Server, InState> active_;
  List<Server, InState> tested_;
  List<Client, InClientState> idle_clients_;
  List<Client, InClientState> active_clients_;
  int dials_ = 0;
  int pins_ = 0;
  Micros last_use_;
  bool is_hungry_ = false;   // stated, and neither fed nor withdrawn since
  bool is_watched_ = false;  // patience_over() will be called
  Micros hungry_not_before_ = 0;
  struct GreetingWaiter {
    io::Waiter<bool>* waiter;
    Micros since;
  };
  std::vector<GreetingWaiter> greeting_waiters_;
  struct LeaseWaiter {
    io::Waiter<ServerLease>* waiter;
    Micros since;
  };
  std::vector<LeaseWaiter> lease_waiters_;  // in order of arrival
  struct RoomWaiter {
    io::Waiter<Slot>* waiter;
    Micros since;
  };
  std::vector<RoomWaiter> room_waiters_;  // in order of arrival
  Micros asked_for_room_ = 0;
  std::optional<WaitReason> claimed_;  // database_limit or user_limit
  Micros claimed_since_ = 0;           // as stated
  Micros asked_to_evict_ = 0;
  std::shared_ptr<const route::Cluster> cluster_;
  Micros no_host_since_ = 0;  // none of them can serve; 0: one can
  int waits_for_host_ = 0;    // clients, and their bytes, as counted for all workers
  int64_t bytes_for_host_ = 0;
};

}  // namespace remuda::proxy
