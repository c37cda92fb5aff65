// What Patroni tells of a cluster: who belongs to it, who is not to be read from, and that roles
// have changed. While it cannot be reached, what it told last is kept, and the checks go on.
#include <algorithm>

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
    Patroni patroni{route::patroni_options(config, urls), config.patroni_interval, nullptr};
    const auto known = before.find(urls);
    if (known != before.end() && known->second.options == patroni.options &&
        known->second.interval == patroni.interval) {
      patronis_.insert(before.extract(known));
      return;
    }
    patroni.watch = std::make_unique<route::PatroniWatch>(
        loop_, tasks_, patroni_limit_, patroni.options, patroni.interval,
        [this, urls](const std::optional<route::ClusterView>& view) { patroni_told(urls, view); });
    patronis_.emplace(urls, std::move(patroni));
  };
  for (const auto& [name, database] : config.databases) ask(database);
  if (config.fallback) ask(*config.fallback);
}

void HostWatch::patroni_told(const std::vector<std::string>& urls,
                             const std::optional<route::ClusterView>& view) {
  if (!view) return;
  shared_.hosts.set_members(urls, view->members);
  choose_hosts();
  for (const route::ClusterMember& member : view->members) {
    const auto entry = shared_.hosts.entry(member.host, member.port);
    entry->is_spared = member.noloadbalance;
    const auto at = hosts_.find(entry.get());
    if (at == hosts_.end()) continue;
    // Who has just been given a role, or lost one, is asked itself.
    const route::HostHealth& health = at->second->health;
    const bool is_known = health.state() != route::HostState::unknown;
    const bool is_other = member.role != health.role() ||
                          member.running != (health.state() != route::HostState::down);
    if (is_known && is_other) shared_.hosts.alarm(entry);
  }
  shared_.hosts.drop_unused();
  tell_workers();
}

void HostWatch::ask_patroni_soon() {
  for (const auto& [urls, patroni] : patronis_) patroni.watch->ask_soon();
}

}  // namespace remuda::proxy
