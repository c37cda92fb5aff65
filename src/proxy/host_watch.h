// Looks after the hosts that databases name: a task for each checks it again and again, and what
// that finds is written to the board, where workers read it. Owned by the daemon; control thread.
//
// Where a database has URLs of Patroni, the hosts are those that Patroni tells
// (host_watch_patroni.cc); what they are is asked of themselves all the same.
//
// A host's task lives as long as some database names it. Hosts of a cluster tell of each other: how
// far standbys are behind the primary, and which of two primaries is the one to follow.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/mailbox.h"
#include "io/waiter.h"
#include "proxy/host_probe.h"
#include "route/host_board.h"
#include "route/patroni_watch.h"
#include "route/wal_history.h"

namespace remuda::proxy {

class HostWatch {
 public:
  // Tasks run in the scope; closing it ends them.
  HostWatch(io::Loop& loop, io::TaskScope& tasks, io::Mailbox& mailbox, Shared& shared);
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
  // A host under watch. Its task holds it as well.
  struct Watched {
    std::shared_ptr<route::HostEntry> entry;
    route::HostHealth health;
    ProbeTarget target;
    uint64_t system = 0;            // identifies its data; 0: not known
    route::WalHistory history;      // as a primary
    uint32_t primary_timeline = 0;  // the last one it wrote as a primary
    uint32_t epoch = 0;             // of `health`, as published
    Micros last_check = 0;
    bool is_alarmed = false;  // since the check began
    bool is_removed = false;
    io::Waiter<bool>* rest = nullptr;  // between two checks
  };

  void choose_hosts();
  void ask_patroni();
  void patroni_told(const std::vector<std::string>& urls,
                    const std::optional<route::ClusterView>& view);
  void ask_patroni_soon();
  void watch_host(const std::shared_ptr<route::HostEntry>& entry, ProbeTarget target);
  io::Task<void> watch(std::shared_ptr<Watched> host);
  io::Task<void> check(Watched& host);
  io::Task<void> rest(Watched& host);
  io::Task<void> pause(Watched& host, Micros delay);
  route::HealthSample sample_of(Watched& host, const ProbeAnswer& answer);
  void take(Watched& host, const route::HealthSample& sample);
  void publish(Watched& host);
  void supersede_others(const Watched& primary);
  void alarmed(const route::HostEntry& entry);
  void hasten();
  void tell_workers() const;
  bool is_in_a_hurry(const Watched& host) const;
  route::HealthRules rules() const;
  std::vector<Watched*> relatives(const Watched& host) const;
  const Watched* primary_of(const Watched& host) const;
  bool is_followed(const Watched& host) const;

  io::Loop& loop_;
  io::TaskScope& tasks_;
  Shared& shared_;
  Snapshot snapshot_;
  io::Resolver resolver_{loop_};
  io::OffloadLimit crypto_{loop_, 1};
  pg::KeyCache keys_{loop_, crypto_};
  ProbeTools tools_{loop_, tasks_, resolver_, crypto_, keys_};
  std::vector<std::shared_ptr<const route::Cluster>> clusters_;
  std::map<const route::HostEntry*, std::shared_ptr<Watched>> hosts_;
  // Of each Patroni cluster that some database has URLs of, by those.
  struct Patroni {
    route::PatroniOptions options;
    Micros interval = 0;
    std::unique_ptr<route::PatroniWatch> watch;
  };
  io::OffloadLimit patroni_limit_{loop_, 2};
  std::map<std::vector<std::string>, Patroni> patronis_;
};

}  // namespace remuda::proxy
