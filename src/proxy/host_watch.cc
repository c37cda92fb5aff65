// Which hosts are checked, and when.
#include "proxy/host_watch.h"

#include <algorithm>

#include "config/effective.h"
#include "io/timer.h"
#include "proxy/host_failure.h"

namespace remuda::proxy {
namespace {

constexpr Micros kShortestInterval = 50 * kMillisecond;
// So many looks, at least, before a standby can have fallen back from nothing to the limit.
constexpr Micros kLooksPerLimit = 4;
constexpr const char* kAnyDatabase = "postgres";

ProbeTarget target_of(const Snapshot& snapshot, const config::Database& database,
                      const route::HostEntry& entry) {
  const config::Config& config = *snapshot.config;
  ProbeTarget target;
  target.host = entry.host;
  target.user = config::health_check_user(config, database).value_or("");
  const bool has_name = !database.dbname.empty() && database.dbname != "*";
  target.database =
      config.health_check_database.value_or(has_name ? database.dbname : kAnyDatabase);
  const std::string* stored = snapshot.users ? snapshot.users->find(target.user) : nullptr;
  const bool is_forced = database.user == target.user && database.password.has_value();
  target.secret = wire::parse_secret(is_forced ? *database.password : stored ? *stored : "");
  return target;
}

// Many databases may have the same hosts.
bool is_alike(const route::Cluster& a, const route::Cluster& b) {
  return a.wish.target == b.wish.target &&
         std::equal(a.hosts.begin(), a.hosts.end(), b.hosts.begin(), b.hosts.end(),
                    [](const auto& x, const auto& y) { return x.entry == y.entry; });
}

}  // namespace

HostWatch::HostWatch(io::Loop& loop, io::TaskScope& tasks, io::Mailbox& mailbox, Shared& shared,
                     io::Resolver::Getaddrinfo getaddrinfo)
    : loop_(loop), tasks_(tasks), shared_(shared), resolver_(loop, getaddrinfo) {
  shared_.hosts.on_alarm = [this, &mailbox](std::shared_ptr<route::HostEntry> entry) {
    mailbox.post([this, entry = std::move(entry)] { alarmed(*entry); });
  };
}

// ---- Which hosts

void HostWatch::adopt(const Snapshot& snapshot) {
  snapshot_ = snapshot;
  resolver_.set_ttl(snapshot.config->dns_max_ttl, snapshot.config->dns_nxdomain_ttl);
  ask_patroni();
  choose_hosts();
  shared_.hosts.drop_unused();
}

void HostWatch::choose_hosts() {
  const config::Config& config = *snapshot_.config;
  clusters_.clear();
  Hosts before;
  std::swap(before, hosts_);
  for (const auto& [entry, host] : before) {
    host->clusters.clear();
    host->company.clear();
  }
  for (const auto& [name, database] : config.databases) choose_hosts_of(database, before);
  if (config.fallback) choose_hosts_of(*config.fallback, before);
  for (const auto& [entry, host] : before) drop(*host);
  note_tags();
}

void HostWatch::choose_hosts_of(const config::Database& database, Hosts& before) {
  const auto cluster = shared_.hosts.cluster(*snapshot_.config, database);
  if (!cluster) return;
  for (const route::ClusterHost& host : cluster->hosts) {
    if (hosts_.contains(host.entry.get())) continue;
    ProbeTarget target = target_of(snapshot_, database, *host.entry);
    if (auto known = before.extract(host.entry.get())) {
      known.mapped()->target = std::move(target);
      hosts_.insert(std::move(known));
    } else {
      watch_host(host.entry, std::move(target));
    }
  }
  const auto& first = hosts_.at(cluster->hosts.front().entry.get());
  const bool is_known = std::any_of(first->clusters.begin(), first->clusters.end(),
                                    [&](const auto* other) { return is_alike(*other, *cluster); });
  if (is_known) return;
  introduce(*cluster);
  clusters_.push_back(cluster);
}

// Its hosts get to know each other.
void HostWatch::introduce(const route::Cluster& cluster) {
  std::vector<Watched*> members;
  for (const route::ClusterHost& host : cluster.hosts) {
    members.push_back(hosts_.at(host.entry.get()).get());
  }
  for (Watched* member : members) {
    member->clusters.push_back(&cluster);
    for (Watched* other : members) {
      const auto& known = member->company;
      const bool is_known = std::find(known.begin(), known.end(), other) != known.end();
      if (other != member && !is_known) member->company.push_back(other);
    }
  }
}

void HostWatch::watch_host(const std::shared_ptr<route::HostEntry>& entry, ProbeTarget target) {
  const auto host = std::make_shared<Watched>();
  host->entry = entry;
  host->target = std::move(target);
  hosts_[entry.get()] = host;
  if (!tasks_.is_closing()) tasks_.spawn(watch(host));
}

void HostWatch::drop(Watched& host) {
  host.is_removed = true;
  host.entry->state = route::HostState::unknown;
  host.entry->epoch.fetch_add(1);
  wake(host);
}

// ---- When they are checked

class HostWatch::Pending {
 public:
  explicit Pending(Watched& host) noexcept : host_(host) { ++host_.pending; }
  ~Pending() {
    --host_.pending;
    wake(host_);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

 private:
  Watched& host_;
};

// The first check begins when the task has begun to wait, as hosts are still being chosen before.
io::Task<void> HostWatch::watch(std::shared_ptr<Watched> host) {
  const std::shared_ptr<Watched> held = std::move(host);
  co_await pause(*held, 0);
  while (!held->is_removed) {
    expire(*held);
    if (is_due(*held, loop_.now())) begin_check(held);
    const Micros delay = rest_of(*held, loop_.now());
    co_await pause(*held, delay);
  }
}

bool HostWatch::is_due(const Watched& host, Micros now) const {
  if (host.pending >= std::max(rules().fall, 1)) return false;
  return host.begun == 0 || (host.is_early && !is_too_early(host)) || rest_of(host, now) == 0;
}

Micros HostWatch::rest_of(const Watched& host, Micros now) const {
  const route::HealthRules limits = rules();
  if (host.pending >= std::max(limits.fall, 1)) return limits.fast_interval;
  const bool is_fast = host.pending > 0 || is_in_a_hurry(host);
  return std::max<Micros>(host.health.next_check(limits, host.last_check, is_fast) - now, 0);
}

void HostWatch::begin_check(const std::shared_ptr<Watched>& host) {
  host->last_check = loop_.now();
  // One that has not been answered by now may never be.
  if (host->pending > 0) host->entry->is_suspect = true;
  tasks_.spawn(check(host, ++host->begun));
}

io::Task<void> HostWatch::check(std::shared_ptr<Watched> host, uint64_t number) {
  const std::shared_ptr<Watched> held = std::move(host);
  const Pending counted(*held);
  Snapshot snapshot = snapshot_;
  ProbeTarget target = held->target;
  Finding finding;
  try {
    const io::Address address = co_await locate(*held);
    target.address = finding.address = address;
    ProbeAnswer answer = co_await probe_host(tools_, snapshot, target);
    finding.answer = answer;
  } catch (const std::exception&) {
    if (tasks_.is_closing()) throw;
    finding.failure = sample_of_failure();
  }
  if (!held->is_removed) conclude(*held, number, finding);
}

// Until then, or until somebody has a reason to look again.
io::Task<void> HostWatch::pause(Watched& host, Micros delay) {
  io::Waiter<bool> waiter(loop_);
  struct Leave {
    Watched& host;
    ~Leave() { host.rest = nullptr; }
  };
  const Leave leave{host};
  host.rest = &waiter;
  io::Timer timer(loop_);
  timer.start(delay, [&waiter] { (void)waiter.set(true); });
  const io::CloseLink link(tasks_, waiter);
  co_await waiter.wait();
}

void HostWatch::alarmed(const route::HostEntry& entry) {
  const auto at = hosts_.find(&entry);
  if (at == hosts_.end()) return;
  Watched& host = *at->second;
  // What is under way may have been answered before.
  host.alarmed = host.begun;
  host.health.suspect();
  ask_patroni_soon();
  wake(host);
  wake_company(host);
}

void HostWatch::wake(Watched& host) {
  if (host.rest) (void)host.rest->set(true);
}

void HostWatch::wake_company(const Watched& host) {
  for (Watched* other : host.company) wake(*other);
}

// Somebody waits for what this host may become, or will soon.
bool HostWatch::is_in_a_hurry(const Watched& host) const {
  const auto is_failing_primary = [](const Watched* other) {
    return other->health.role() == route::HostRole::primary && other->health.is_in_transition();
  };
  return std::any_of(host.clusters.begin(), host.clusters.end(),
                     [](const route::Cluster* cluster) { return !route::has_host(*cluster); }) ||
         std::any_of(host.company.begin(), host.company.end(), is_failing_primary);
}

route::HealthRules HostWatch::rules() const {
  const config::Config& config = *snapshot_.config;
  Micros interval = std::max(config.health_check_interval, kShortestInterval);
  if (config.max_replica_lag > 0) {
    interval =
        std::min(interval, std::max(config.max_replica_lag / kLooksPerLimit, kShortestInterval));
  }
  return {.fall = config.health_check_fall,
          .rise = config.health_check_rise,
          .interval = interval,
          .fast_interval = std::max(config.health_check_fast_interval, kShortestInterval),
          .max_lag = config.max_replica_lag,
          .max_lag_bytes = config.max_replica_lag_bytes};
}

}  // namespace remuda::proxy
