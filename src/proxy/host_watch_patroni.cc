// What Patroni tells of a cluster: who belongs to it, who is not to be read from or promoted, and
// that roles have changed. While it cannot be reached, what it told of members is kept, and the
// checks go on.
#include <algorithm>
#include <set>

#include "config/effective.h"
#include "proxy/host_watch.h"
#include "remuda/base/log.h"

namespace remuda::proxy {

// Asks the clusters that databases have URLs of, and no others.
void HostWatch::ask_patroni() {
  const config::Config& config = *snapshot_.config;
  std::map<std::vector<std::string>, Patroni> before;
  std::swap(before, patronis_);
  const auto ask = [&](const config::Database& database) {
    const std::vector<std::string>& urls = config::patroni_urls(config, database);
    const bool is_wanted = !urls.empty() && config::has_health_checks(config, database);
    if (!is_wanted || patronis_.contains(urls) || tasks_.is_closing()) return;
    Patroni patroni;
    patroni.options = route::patroni_options(config, urls);
    patroni.interval = config.patroni_interval;
    const auto known = before.find(urls);
    if (known != before.end() && known->second.options == patroni.options &&
        known->second.interval == patroni.interval) {
      patronis_.insert(before.extract(known));
      return;
    }
    if (known != before.end()) patroni.view = known->second.view;
    patroni.watch = std::make_unique<route::PatroniWatch>(
        loop_, tasks_, patroni_limit_, patroni.options, patroni.interval,
        [this, urls](const std::optional<route::ClusterView>& view) { patroni_told(urls, view); });
    patronis_.emplace(urls, std::move(patroni));
  };
  for (const auto& [name, database] : config.databases) ask(database);
  if (config.fallback) ask(*config.fallback);
  std::set<std::vector<std::string>> all;
  for (const auto& [urls, patroni] : patronis_) all.insert(urls);
  shared_.hosts.keep_members(all);
}

void HostWatch::patroni_told(const std::vector<std::string>& urls,
                             const std::optional<route::ClusterView>& view) {
  Patroni& patroni = patronis_.at(urls);
  patroni.is_current = view.has_value();
  if (view) {
    if (view->paused != patroni.view.paused) {
      log::info("Patroni {}: {}", view->paused ? "pauses" : "goes on", urls.front());
    }
    patroni.view = *view;
    shared_.hosts.set_members(urls, view->members);
  }
  choose_hosts();
  if (view) look_at_members(*view);
  shared_.hosts.drop_unused();
  tell_workers();
}

// Who has just been given a role, or lost one, is asked itself.
void HostWatch::look_at_members(const route::ClusterView& view) {
  for (const route::ClusterMember& member : view.members) {
    const auto entry = shared_.hosts.entry(member.host, member.port);
    const auto at = hosts_.find(entry.get());
    if (at == hosts_.end()) continue;
    const route::HostHealth& health = at->second->health;
    const bool is_known = health.state() != route::HostState::unknown;
    const bool is_other = member.role != health.role() ||
                          member.running != (health.state() != route::HostState::down);
    if (is_known && is_other) shared_.hosts.alarm(entry);
  }
}

// A cluster that is paused is its operator's: whom Patroni calls the leader decides nothing then.
void HostWatch::note_tags() {
  std::set<const route::HostEntry*> spared;
  for (const auto& [entry, host] : hosts_) host->is_named_primary = host->is_never_primary = false;
  for (const auto& [urls, patroni] : patronis_) {
    const bool is_ruling = patroni.is_current && !patroni.view.paused;
    for (const route::ClusterMember& member : patroni.view.members) {
      const auto at = hosts_.find(shared_.hosts.entry(member.host, member.port).get());
      if (at == hosts_.end()) continue;
      Watched& host = *at->second;
      if (member.noloadbalance) spared.insert(host.entry.get());
      host.is_never_primary = member.nofailover;
      host.is_named_primary = is_ruling && member.role == route::HostRole::primary;
    }
  }
  bool has_changed = false;
  for (const auto& [entry, host] : hosts_) {
    const bool is_spared = spared.contains(host->entry.get());
    has_changed |= host->entry->is_spared.exchange(is_spared) != is_spared;
  }
  if (has_changed) tell_workers();
}

void HostWatch::ask_patroni_soon() {
  for (const auto& [urls, patroni] : patronis_) patroni.watch->ask_soon();
}

// Where it calls another one the leader, it may be cut off from the others.
void HostWatch::question_patroni(const Watched& primary) {
  for (const auto& [urls, patroni] : patronis_) {
    for (const route::ClusterMember& member : patroni.view.members) {
      const bool is_it = member.host == primary.entry->host && member.port == primary.entry->port;
      if (is_it && member.role != route::HostRole::primary) patroni.watch->ask_elsewhere();
    }
  }
}

}  // namespace remuda::proxy
