#include "proxy/host_watch.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "config/effective.h"
#include "io/deadline.h"
#include "io/timer.h"
#include "io/tls_session.h"
#include "pg/login.h"
#include "proxy/server_tls.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

using route::HealthSample;
using route::HostRole;
using route::HostState;

constexpr Micros kShortestInterval = 50 * kMillisecond;
constexpr const char* kAnyDatabase = "postgres";

// Who comes up or goes down will take logins again, or for ever no more.
bool is_passing(const SqlState& state) noexcept {
  return state == wire::sqlstate::kCannotConnectNow || state == wire::sqlstate::kAdminShutdown;
}

ProbeTarget target_of(const Snapshot& snapshot, const config::Database& database,
                      const route::HostEntry& entry) {
  const config::Config& config = *snapshot.config;
  ProbeTarget target;
  target.host = entry.host;
  target.port = entry.port;
  target.user = config::health_check_user(config, database).value_or("");
  const bool has_name = !database.dbname.empty() && database.dbname != "*";
  target.database =
      config.health_check_database.value_or(has_name ? database.dbname : kAnyDatabase);
  const std::string* stored = snapshot.users ? snapshot.users->find(target.user) : nullptr;
  const bool is_forced = database.user == target.user && database.password.has_value();
  target.secret = wire::parse_secret(is_forced ? *database.password : stored ? *stored : "");
  return target;
}

HealthSample failed(std::string reason) {
  return {.answer = HealthSample::Answer::failed, .reason = std::move(reason)};
}
HealthSample refused(std::string reason) {
  return {.answer = HealthSample::Answer::refused, .reason = std::move(reason)};
}

// What the exception in flight says of the host.
HealthSample sample_of_failure() {
  try {
    throw;
  } catch (const pg::ServerRefusal& refusal) {
    return is_passing(refusal.sqlstate()) ? failed(refusal.what()) : refused(refusal.what());
  } catch (const PgError& error) {
    return refused(error.what());
  } catch (const SystemError& error) {
    return failed(error.code().message());
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}

std::string what_it_is(HostState state, HostRole role) {
  if (role == HostRole::unknown || state == HostState::unknown) return to_text(state);
  return fmt::format("{}, a {}", to_text(state), to_text(role));
}

void log_change(const route::HostEntry& entry, const route::HostHealth& before,
                const route::HostHealth& after, Micros now) {
  const std::string was =
      before.state() == HostState::unknown
          ? ""
          : fmt::format(" (was {} for {:.1f} s)", what_it_is(before.state(), before.role()),
                        static_cast<double>(now - before.since()) / kSecond);
  const std::string why = after.reason().empty() ? "" : ": " + after.reason();
  const std::string text = fmt::format("host {} is {}{}{}", entry.name(),
                                       what_it_is(after.state(), after.role()), why, was);
  if (after.state() == HostState::up) {
    log::info("{}", text);
  } else {
    log::warning("{}", text);
  }
}

}  // namespace

HostWatch::HostWatch(io::Loop& loop, io::TaskScope& tasks, io::Mailbox& mailbox, Shared& shared)
    : loop_(loop), tasks_(tasks), shared_(shared) {
  shared_.hosts.on_alarm = [this, &mailbox](std::shared_ptr<route::HostEntry> entry) {
    mailbox.post([this, entry = std::move(entry)] { alarmed(*entry); });
  };
}

// ---- Which hosts

void HostWatch::adopt(const Snapshot& snapshot) {
  snapshot_ = snapshot;
  resolver_.set_ttl(snapshot.config->dns_max_ttl, snapshot.config->dns_nxdomain_ttl);
  choose_hosts();
  ask_patroni();
  shared_.hosts.drop_unused();
}

void HostWatch::choose_hosts() {
  const config::Config& config = *snapshot_.config;
  clusters_.clear();
  std::map<const route::HostEntry*, std::shared_ptr<Watched>> before;
  std::swap(before, hosts_);
  const auto take_over = [&](const config::Database& database) {
    auto cluster = shared_.hosts.cluster(config, database);
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
    clusters_.push_back(std::move(cluster));
  };
  for (const auto& [name, database] : config.databases) take_over(database);
  if (config.fallback) take_over(*config.fallback);
  for (const auto& [entry, host] : before) {
    host->is_removed = true;
    host->entry->state = HostState::unknown;
    host->entry->epoch.fetch_add(1);
    if (host->rest) (void)host->rest->set(true);
  }
}

void HostWatch::watch_host(const std::shared_ptr<route::HostEntry>& entry, ProbeTarget target) {
  const auto host = std::make_shared<Watched>();
  host->entry = entry;
  host->target = std::move(target);
  hosts_[entry.get()] = host;
  if (!tasks_.is_closing()) tasks_.spawn(watch(host));
}

// ---- One host

io::Task<void> HostWatch::watch(std::shared_ptr<Watched> host) {
  const std::shared_ptr<Watched> held = std::move(host);
  while (!held->is_removed) {
    co_await check(*held);
    co_await rest(*held);
  }
}

io::Task<void> HostWatch::check(Watched& host) {
  host.last_check = loop_.now();
  host.is_alarmed = false;
  ProbeTarget target = host.target;
  Snapshot snapshot = snapshot_;
  HealthSample sample;
  try {
    const ProbeAnswer answer = co_await probe_host(tools_, snapshot, target);
    sample = sample_of(host, answer);
  } catch (const std::exception&) {
    if (tasks_.is_closing()) throw;
    sample = sample_of_failure();
  }
  if (!host.is_removed) take(host, sample);
}

io::Task<void> HostWatch::rest(Watched& host) {
  while (!host.is_removed) {
    const Micros now = loop_.now();
    const Micros due = host.health.next_check(rules(), host.last_check, is_in_a_hurry(host));
    if (due <= now) co_return;
    co_await pause(host, due - now);
  }
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

HealthSample HostWatch::sample_of(Watched& host, const ProbeAnswer& answer) {
  const Micros now = loop_.now();
  host.system = answer.system;
  host.entry->timeline = answer.timeline;
  HealthSample sample;
  sample.answer = HealthSample::Answer::fine;
  sample.role = answer.role;
  route::Lag lag;
  if (answer.role == HostRole::primary) {
    host.primary_timeline = answer.timeline;
    if (answer.written) host.history.note(now, *answer.written, answer.timeline);
    sample.is_superseded = is_followed(host);
  } else {
    const Watched* primary = primary_of(host);
    const route::WalHistory unknown;
    lag = (primary ? primary->history : unknown).lag_of(answer.standby, now);
    sample.lag = lag.time;
    sample.lag_bytes = lag.bytes;
  }
  host.entry->lag_time = lag.time.value_or(-1);
  host.entry->lag_bytes = lag.bytes ? static_cast<int64_t>(*lag.bytes) : -1;
  return sample;
}

void HostWatch::take(Watched& host, const HealthSample& sample) {
  const Micros now = loop_.now();
  route::HostEntry& entry = *host.entry;
  const bool is_fine = sample.answer == HealthSample::Answer::fine;
  (is_fine ? entry.checks_passed : entry.checks_failed).fetch_add(1);
  if (sample.answer == HealthSample::Answer::refused && entry.last_error() != sample.reason) {
    log::warning("host {} refuses to be checked: {}", entry.name(), sample.reason);
  }
  if (!is_fine) entry.set_last_error(sample.reason);
  const route::HostHealth before = host.health;
  const bool changed = host.health.observe(rules(), sample, now);
  if (host.is_alarmed) host.health.suspect();
  if (changed) {
    log_change(entry, before, host.health, now);
    const bool is_back = host.health.state() == HostState::up && before.state() != HostState::up;
    if (is_back && before.state() != HostState::unknown) entry.up_since = now;
    if (host.health.state() != HostState::up) entry.set_last_error(host.health.reason());
  }
  publish(host);
  const bool is_primary =
      host.health.state() == HostState::up && host.health.role() == HostRole::primary;
  if (is_primary) supersede_others(host);
  if (changed) tell_workers();
  hasten();
}

// The epoch last: who reads it first and then sees the old state has an epoch that is over.
void HostWatch::publish(Watched& host) {
  route::HostEntry& entry = *host.entry;
  entry.role = host.health.role();
  entry.state = host.health.state();
  entry.since = host.health.since();
  entry.is_suspect = host.health.is_suspect();
  if (std::exchange(host.epoch, host.health.epoch()) != host.health.epoch()) {
    entry.epoch.fetch_add(1);
  }
}

// One that comes back from the dead does not know yet that the others have gone on without it.
void HostWatch::supersede_others(const Watched& primary) {
  const Micros now = loop_.now();
  for (Watched* other : relatives(primary)) {
    if (!is_followed(*other)) continue;
    const route::HostHealth before = other->health;
    if (!other->health.supersede(now)) continue;
    log_change(*other->entry, before, other->health, now);
    other->entry->set_last_error(other->health.reason());
    publish(*other);
  }
}

void HostWatch::alarmed(const route::HostEntry& entry) {
  const auto at = hosts_.find(&entry);
  if (at == hosts_.end()) return;
  Watched& host = *at->second;
  host.is_alarmed = true;
  host.health.suspect();
  ask_patroni_soon();
  hasten();
}

// ---- All together

void HostWatch::hasten() {
  for (const auto& [entry, host] : hosts_) {
    if (host->rest && (host->health.is_suspect() || is_in_a_hurry(*host))) {
      (void)host->rest->set(true);
    }
  }
}

void HostWatch::tell_workers() const {
  for (Worker* worker : shared_.workers) {
    worker->post([worker] { worker->hosts_changed(); });
  }
}

// Somebody waits for what this host may become, or will soon.
bool HostWatch::is_in_a_hurry(const Watched& host) const {
  for (const auto& cluster : clusters_) {
    const auto is_it = [&](const route::ClusterHost& member) { return member.entry == host.entry; };
    if (std::none_of(cluster->hosts.begin(), cluster->hosts.end(), is_it)) continue;
    if (!route::has_host(*cluster)) return true;
    const auto is_failing_primary = [&](const route::ClusterHost& member) {
      const auto at = hosts_.find(member.entry.get());
      return at != hosts_.end() && at->second->health.role() == HostRole::primary &&
             at->second->health.is_in_transition();
    };
    if (std::any_of(cluster->hosts.begin(), cluster->hosts.end(), is_failing_primary)) return true;
  }
  return false;
}

route::HealthRules HostWatch::rules() const {
  const config::Config& config = *snapshot_.config;
  return {.fall = config.health_check_fall,
          .rise = config.health_check_rise,
          .interval = std::max(config.health_check_interval, kShortestInterval),
          .fast_interval = std::max(config.health_check_fast_interval, kShortestInterval),
          .max_lag = config.max_replica_lag,
          .max_lag_bytes = config.max_replica_lag_bytes};
}

// Hosts that some database names together with this one, and that have the same data.
std::vector<HostWatch::Watched*> HostWatch::relatives(const Watched& host) const {
  std::set<Watched*> found;
  for (const auto& cluster : clusters_) {
    std::vector<Watched*> members;
    for (const route::ClusterHost& member : cluster->hosts) {
      if (const auto at = hosts_.find(member.entry.get()); at != hosts_.end()) {
        members.push_back(at->second.get());
      }
    }
    if (std::find(members.begin(), members.end(), &host) == members.end()) continue;
    for (Watched* member : members) {
      if (member != &host && host.system != 0 && member->system == host.system) {
        found.insert(member);
      }
    }
  }
  return {found.begin(), found.end()};
}

// The one that was it last may be down: what it had written counts all the same.
const HostWatch::Watched* HostWatch::primary_of(const Watched& host) const {
  const Watched* best = nullptr;
  for (const Watched* other : relatives(host)) {
    const bool is_primary =
        other->health.role() == HostRole::primary && other->health.state() != HostState::superseded;
    if (!is_primary || other->history.is_empty()) continue;
    if (!best || other->primary_timeline > best->primary_timeline) best = other;
  }
  return best;
}

// Promotion begins a timeline: of two primaries the one with the higher is the later.
bool HostWatch::is_followed(const Watched& host) const {
  const auto relations = relatives(host);
  return std::any_of(relations.begin(), relations.end(), [&](const Watched* other) {
    return other->primary_timeline > host.primary_timeline;
  });
}

}  // namespace remuda::proxy
