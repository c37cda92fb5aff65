// What hosts of a cluster are to each other: whose lag is measured against whom, and which of
// several primaries is the one to follow.
#include <algorithm>

#include "proxy/host_watch.h"

namespace remuda::proxy {
namespace {

using route::HostRole;
using route::HostState;
using route::WalHistory;

bool wants_primary(const route::Cluster& cluster) noexcept {
  const config::TargetSession target = cluster.wish.target;
  return target == config::TargetSession::primary || target == config::TargetSession::read_write;
}

}  // namespace

// Those that have the same data.
std::vector<HostWatch::Watched*> HostWatch::relatives(const Watched& host) {
  std::vector<Watched*> found;
  for (Watched* other : host.company) {
    if (host.system != 0 && other->system == host.system) found.push_back(other);
  }
  return found;
}

// The one that was it last may be down: what it had written counts all the same.
const HostWatch::Watched* HostWatch::primary_of(const Watched& host) const {
  const Watched* best = nullptr;
  for (const Watched* other : relatives(host)) {
    const bool is_primary =
        other->health.role() == HostRole::primary && other->health.state() != HostState::superseded;
    if (!is_primary || !other->history.is_of_primary()) continue;
    if (!best || other->primary_timeline > best->primary_timeline) best = other;
  }
  return best;
}

route::Lag HostWatch::lag_of(const Watched& host, const route::StandbyPosition& standby) const {
  const Micros now = loop_.now();
  if (const Watched* primary = primary_of(host)) {
    const bool is_seen =
        primary->health.state() == HostState::up && !primary->health.is_in_transition();
    return primary->history.lag_of(
        standby, now, is_seen ? WalHistory::Source::primary : WalHistory::Source::gone);
  }
  const Watched* best = &host;
  for (const Watched* other : relatives(host)) {
    if (other->history.last_position() > best->history.last_position()) best = other;
  }
  return best->history.lag_of(standby, now, WalHistory::Source::standby);
}

// A standby that is checked before its primary ever was would seem not to lag. Those that are too
// early themselves are not waited for.
bool HostWatch::is_too_early(const Watched& host) const {
  const route::HealthRules limits = rules();
  if (limits.max_lag <= 0 && limits.max_lag_bytes == 0) return false;
  if (host.health.state() != HostState::unknown || primary_of(host)) return false;
  return std::any_of(host.company.begin(), host.company.end(), [](const Watched* other) {
    return other->health.state() == HostState::unknown && !other->is_early;
  });
}

bool HostWatch::share_writes(const Watched& a, const Watched& b) {
  return std::any_of(a.clusters.begin(), a.clusters.end(), [&](const route::Cluster* cluster) {
    const auto& theirs = b.clusters;
    return wants_primary(*cluster) &&
           std::find(theirs.begin(), theirs.end(), cluster) != theirs.end();
  });
}

route::PrimaryClaim HostWatch::claim_of(const Watched& host) {
  const bool is_serving =
      host.health.state() == HostState::up && host.health.role() == HostRole::primary;
  return {.name = host.entry->host,
          .timeline = host.primary_timeline,
          .is_serving = is_serving,
          .since = host.health.since(),
          .is_named = host.is_named_primary,
          .is_never_one = host.is_never_primary};
}

bool HostWatch::is_outranked(const Watched& host) const {
  const route::PrimaryClaim claim = claim_of(host);
  const auto relations = relatives(host);
  return std::any_of(relations.begin(), relations.end(), [&](const Watched* other) {
    route::PrimaryClaim theirs = claim_of(*other);
    theirs.shares_writes = share_writes(host, *other);
    return route::outranks(theirs, claim);
  });
}

}  // namespace remuda::proxy
