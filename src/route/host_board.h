// What is known of every host that some database names: written by the control thread, which checks
// them, and read by workers when they open a server or give one away. One entry per host and port,
// whatever number of databases share it. Any thread: atomics, and a mutex around texts and the
// list.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "io/address.h"
#include "route/cluster_member.h"
#include "route/host_choice.h"
#include "route/host_health.h"

namespace remuda::route {

class HostEntry {
 public:
  HostEntry(std::string its_host, uint16_t its_port);

  const std::string host;  // as configured: a name, an address, a directory
  const uint16_t port;

  std::atomic<HostState> state{HostState::unknown};
  std::atomic<HostRole> role{HostRole::unknown};
  std::atomic<bool> is_disabled{false};  // DISABLE HOST
  std::atomic<bool> is_suspect{false};   // somebody could not reach it since the last check
  std::atomic<bool> is_spared{false};    // its cluster's manager wants no reads there
  // Raised whenever the host is no longer what servers on it were opened for.
  std::atomic<uint32_t> epoch{0};
  std::atomic<int> connections{0};    // of all pools
  std::atomic<Micros> up_since{0};    // monotonic; 0: always, as far as we know
  std::atomic<Micros> since{0};       // that it has its state
  std::atomic<int64_t> lag_time{-1};  // microseconds; -1: not known
  std::atomic<int64_t> lag_bytes{-1};
  std::atomic<uint32_t> timeline{0};
  std::atomic<uint64_t> checks_passed{0};
  std::atomic<uint64_t> checks_failed{0};

  // The last failure of a check, or why it is not up.
  std::string last_error() const;
  void set_last_error(std::string text);
  // Where it was checked: servers are opened there and nowhere else, as a name may lead to another
  // host any time. Nothing before the first check. Read it after the epoch, set it before.
  std::optional<io::Address> address() const;
  void set_address(const io::Address& address);
  // "10.0.0.5:5432"
  std::string name() const;

 private:
  mutable std::mutex mutex_;
  std::string last_error_;              // guarded by mutex_
  std::optional<io::Address> address_;  // guarded by mutex_
};

// One connection's place on a host: counted there, and of use until the host has changed. Moves
// with its connection; an empty one belongs to a host that is not checked.
class HostClaim {
 public:
  HostClaim() = default;
  // `epoch`: as it was when the host was chosen.
  HostClaim(std::shared_ptr<HostEntry> entry, uint32_t epoch);
  HostClaim(HostClaim&& other) noexcept = default;
  HostClaim& operator=(HostClaim&& other) noexcept;
  ~HostClaim() { leave(); }

  const std::shared_ptr<HostEntry>& entry() const noexcept { return entry_; }
  bool is_outdated() const noexcept {
    return entry_ && entry_->epoch.load(std::memory_order_relaxed) != epoch_;
  }

 private:
  void leave() noexcept;

  std::shared_ptr<HostEntry> entry_;
  uint32_t epoch_ = 0;
};

struct ClusterHost {
  std::shared_ptr<HostEntry> entry;
  int weight = 1;
};

// The hosts that serve a database, and what is wanted of them. Immutable.
struct Cluster {
  std::vector<ClusterHost> hosts;
  HostWish wish;
};

// Its hosts as they are at this moment.
std::vector<HostCandidate> candidates(const Cluster& cluster);
bool has_host(const Cluster& cluster);
// "10.0.0.5:5432 is down: connection refused; ..." for who waits.
std::string describe(const Cluster& cluster);

class HostBoard {
 public:
  // Told of every alarm: some server of that host met what does not fit to what is known. Set
  // before workers run; called on any thread.
  std::function<void(std::shared_ptr<HostEntry>)> on_alarm;

  // Made at first use.
  std::shared_ptr<HostEntry> entry(const std::string& host, uint16_t port);
  // By "host:port", or the host alone if it has but one port. Null without.
  std::shared_ptr<HostEntry> find(const std::string& name) const;
  std::vector<std::shared_ptr<HostEntry>> all() const;
  // Forgets those that nobody refers to, unless they are out of use by DISABLE HOST.
  void drop_unused();

  // Null: the hosts of this database are not checked.
  std::shared_ptr<const Cluster> cluster(const config::Config& config,
                                         const config::Database& database);

  // What Patroni tells at these URLs: databases that have them, or one of its hosts if the URLs are
  // those of all, are served by all of its hosts.
  void set_members(const std::vector<std::string>& urls, std::vector<ClusterMember> members);
  // Forgets what was told at others.
  void keep_members(const std::set<std::vector<std::string>>& urls);

  // The host is to be checked at once.
  void alarm(const std::shared_ptr<HostEntry>& entry) const;

 private:
  std::shared_ptr<HostEntry> entry_locked(const std::string& host, uint16_t port);
  void add_members(Cluster& cluster, const std::vector<std::string>& urls, bool is_own);

  mutable std::mutex mutex_;  // guards all below
  std::map<std::pair<std::string, uint16_t>, std::shared_ptr<HostEntry>> entries_;
  std::map<std::vector<std::string>, std::vector<ClusterMember>> members_;
};

}  // namespace remuda::route
