// Looks after the hosts that databases name: a task for each checks it again and again, and what
// that finds is written to the board, where workers read it. Owned by the daemon; control thread.
//
// Where a database has URLs of Patroni, the hosts are those that Patroni tells
// (host_watch_patroni.cc); what they are is asked of themselves all the same.
//
// A host's task lives as long as some database names it. It begins checks; one that is not answered
// soon is followed by others before it has failed, so that a host that is silent is down after
// little more than the time of one check. Hosts of a cluster tell of each other: how far standbys
// are behind the primary, and which of two primaries is the one to follow.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/mailbox.h"
#include "io/resolver.h"
#include "io/waiter.h"
#include "proxy/host_probe.h"
#include "route/host_board.h"
#include "route/patroni_watch.h"
#include "route/primary_claim.h"
#include "route/wal_history.h"

namespace remuda::proxy {

class HostWatch {
 public:
  // Tasks run in the scope; closing it ends them. The last asks the system for addresses.
  HostWatch(io::Loop& loop, io::TaskScope& tasks, io::Mailbox& mailbox, Shared& shared,
            io::Resolver::Getaddrinfo getaddrinfo = uv_getaddrinfo);
  HostWatch(const HostWatch&) = delete;
  HostWatch& operator=(const HostWatch&) = delete;

  // Checks the hosts of this configuration from now on, and no others.
  void adopt(const Snapshot& snapshot);
  // Before the scope is waited for.
  void close() noexcept {
    crypto_.close();
    patroni_limit_.close();
  }

 private:
  // A host under watch. Its task and its checks hold it as well.
  struct Watched {
    std::shared_ptr<route::HostEntry> entry;
    route::HostHealth health;
    ProbeTarget target;
    std::vector<const route::Cluster*> clusters;  // that it belongs to
    std::vector<Watched*> company;                // the other hosts of those
    std::vector<io::Address> addresses;           // that its name had last
    std::optional<io::Address> home;              // the one that is checked
    uint64_t system = 0;                          // identifies its data; 0: not known
    route::WalHistory history;                    // as a primary, or of what it has as a standby
    uint32_t primary_timeline = 0;                // the last one it wrote as a primary
    uint32_t epoch = 0;                           // of `health`, as published
    bool is_named_primary = false;                // by Patroni
    bool is_never_primary = false;                // likewise
    Micros last_check = 0;
    uint64_t begun = 0;     // checks; those under way have numbers up to this
    uint64_t answered = 0;  // the last one that was
    uint64_t alarmed = 0;   // how many had begun at the last alarm
    int pending = 0;        // checks under way
    bool is_early = false;  // its lag could not be told yet
    bool is_removed = false;
    io::Waiter<bool>* rest = nullptr;  // between two checks
  };
  // A check under way is counted, and its end is told.
  class Pending;
  // What a check has found.
  struct Finding {
    io::Address address;
    std::optional<ProbeAnswer> answer;
    route::HealthSample failure;  // without one
  };
  // A Patroni cluster that some database has URLs of.
  struct Patroni {
    route::PatroniOptions options;
    Micros interval = 0;
    std::unique_ptr<route::PatroniWatch> watch;
    route::ClusterView view;  // the last one
    bool is_current = false;  // it still answers
  };

  // Which hosts (host_watch.cc)
  void choose_hosts();
  using Hosts = std::map<const route::HostEntry*, std::shared_ptr<Watched>>;
  void choose_hosts_of(const config::Database& database, Hosts& before);
  void introduce(const route::Cluster& cluster);
  void watch_host(const std::shared_ptr<route::HostEntry>& entry, ProbeTarget target);
  void drop(Watched& host);

  // When they are checked
  io::Task<void> watch(std::shared_ptr<Watched> host);
  void begin_check(const std::shared_ptr<Watched>& host);
  io::Task<void> check(std::shared_ptr<Watched> host, uint64_t number);
  io::Task<void> pause(Watched& host, Micros delay);
  bool is_due(const Watched& host, Micros now) const;
  Micros rest_of(const Watched& host, Micros now) const;
  void alarmed(const route::HostEntry& entry);
  static void wake(Watched& host);
  void wake_company(const Watched& host);
  bool is_in_a_hurry(const Watched& host) const;
  route::HealthRules rules() const;

  // Where they are (host_watch_address.cc)
  io::Task<io::Address> locate(Watched& host);
  io::Address choose_address(Watched& host);
  void move(Watched& host, const io::Address& address);
  bool is_from_elsewhere(Watched& host, const Finding& finding);

  // What they are (host_watch_verdict.cc)
  void conclude(Watched& host, uint64_t number, const Finding& finding);
  route::HealthSample sample_of(Watched& host, const ProbeAnswer& answer);
  void take(Watched& host, uint64_t number, const route::HealthSample& sample);
  void expire(Watched& host);
  void supersede_others(const Watched& primary);
  void note_change(Watched& host, const route::HostHealth& before);
  void publish(Watched& host);
  void tell_workers() const;

  // What they are to each other (host_watch_company.cc)
  static std::vector<Watched*> relatives(const Watched& host);
  static bool share_writes(const Watched& a, const Watched& b);
  static route::PrimaryClaim claim_of(const Watched& host);
  const Watched* primary_of(const Watched& host) const;
  route::Lag lag_of(const Watched& host, const route::StandbyPosition& standby) const;
  bool is_too_early(const Watched& host) const;
  bool is_outranked(const Watched& host) const;

  // What Patroni says (host_watch_patroni.cc)
  void ask_patroni();
  void patroni_told(const std::vector<std::string>& urls,
                    const std::optional<route::ClusterView>& view);
  void look_at_members(const route::ClusterView& view);
  void note_tags();
  void ask_patroni_soon();
  void question_patroni(const Watched& primary);

  io::Loop& loop_;
  io::TaskScope& tasks_;
  Shared& shared_;
  Snapshot snapshot_;
  io::Resolver resolver_;
  io::OffloadLimit crypto_{loop_, 1};
  pg::KeyCache keys_{loop_, crypto_};
  ProbeTools tools_{loop_, tasks_, crypto_, keys_};
  std::vector<std::shared_ptr<const route::Cluster>> clusters_;
  Hosts hosts_;
  io::OffloadLimit patroni_limit_{loop_, 2};
  std::map<std::vector<std::string>, Patroni> patronis_;  // by URLs
};

}  // namespace remuda::proxy
