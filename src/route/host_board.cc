#include "route/host_board.h"

#include <fmt/core.h>

#include <algorithm>

#include "config/effective.h"

namespace remuda::route {
namespace {

HostCandidate candidate(const ClusterHost& host) {
  const HostEntry& entry = *host.entry;
  return {.epoch = entry.epoch,
          .state = entry.state,
          .role = entry.role,
          .is_disabled = entry.is_disabled,
          .is_suspect = entry.is_suspect,
          .is_spared = entry.is_spared,
          .weight = host.weight,
          .connections = entry.connections,
          .up_since = entry.up_since};
}

bool contains(const Cluster& cluster, const HostEntry& entry) {
  return std::any_of(cluster.hosts.begin(), cluster.hosts.end(),
                     [&](const ClusterHost& host) { return host.entry.get() == &entry; });
}

}  // namespace

HostEntry::HostEntry(std::string its_host, uint16_t its_port)
    : host(std::move(its_host)), port(its_port) {}

std::string HostEntry::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void HostEntry::set_last_error(std::string text) {
  const std::lock_guard lock(mutex_);
  last_error_ = std::move(text);
}

std::optional<io::Address> HostEntry::address() const {
  const std::lock_guard lock(mutex_);
  return address_;
}

void HostEntry::set_address(const io::Address& address) {
  const std::lock_guard lock(mutex_);
  address_ = address;
}

std::string HostEntry::name() const {
  const bool is_v6 = host.find(':') != host.npos && host[0] != '/';
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

HostClaim::HostClaim(std::shared_ptr<HostEntry> entry, uint32_t epoch)
    : entry_(std::move(entry)), epoch_(epoch) {
  entry_->connections.fetch_add(1);
}

HostClaim& HostClaim::operator=(HostClaim&& other) noexcept {
  if (this == &other) return *this;
  leave();
  entry_ = std::move(other.entry_);
  epoch_ = other.epoch_;
  return *this;
}

void HostClaim::leave() noexcept {
  if (entry_) entry_->connections.fetch_sub(1);
}

std::vector<HostCandidate> candidates(const Cluster& cluster) {
  std::vector<HostCandidate> all;
  for (const ClusterHost& host : cluster.hosts) all.push_back(candidate(host));
  return all;
}

bool has_host(const Cluster& cluster) {
  return std::any_of(cluster.hosts.begin(), cluster.hosts.end(), [&](const ClusterHost& host) {
    return can_serve(candidate(host), cluster.wish.target);
  });
}

std::string describe(const Cluster& cluster) {
  std::string text;
  for (const ClusterHost& host : cluster.hosts) {
    const HostEntry& entry = *host.entry;
    const HostState state = entry.state;
    if (!text.empty()) text += "; ";
    text += fmt::format("{} is {}", entry.name(), to_text(state));
    if (state == HostState::up) text += fmt::format(", a {}", to_text(entry.role));
    if (entry.is_disabled) text += ", disabled";
    const std::string error = entry.last_error();
    if (state != HostState::up && !error.empty()) text += ": " + error;
  }
  return text;
}

std::shared_ptr<HostEntry> HostBoard::entry(const std::string& host, uint16_t port) {
  const std::lock_guard lock(mutex_);
  return entry_locked(host, port);
}

std::shared_ptr<HostEntry> HostBoard::entry_locked(const std::string& host, uint16_t port) {
  auto& entry = entries_[{host, port}];
  if (!entry) entry = std::make_shared<HostEntry>(host, port);
  return entry;
}

std::shared_ptr<HostEntry> HostBoard::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<HostEntry>> found;
  for (const auto& [key, entry] : entries_) {
    if (entry->name() == name) return entry;
    if (entry->host == name) found.push_back(entry);
  }
  return found.size() == 1 ? found.front() : nullptr;
}

std::vector<std::shared_ptr<HostEntry>> HostBoard::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<HostEntry>> all;
  for (const auto& [key, entry] : entries_) all.push_back(entry);
  return all;
}

void HostBoard::drop_unused() {
  const std::lock_guard lock(mutex_);
  // Who has no reference can get one only here, so a count of one stays one.
  std::erase_if(entries_, [](const auto& item) {
    return item.second.use_count() == 1 && !item.second->is_disabled;
  });
}

std::shared_ptr<const Cluster> HostBoard::cluster(const config::Config& config,
                                                  const config::Database& database) {
  if (!config::has_health_checks(config, database)) return nullptr;
  const std::lock_guard lock(mutex_);
  auto made = std::make_shared<Cluster>();
  made->wish = {.target = database.target_session_attrs,
                .balance = database.load_balance_hosts,
                .slow_start = config.slow_start};
  std::vector<std::string> hosts = database.hosts;
  if (hosts.empty()) hosts.push_back(config.unix_socket_dir);
  for (size_t i = 0; i < hosts.size(); ++i) {
    const auto port = static_cast<uint16_t>(config::port_of(database, i));
    auto entry = entry_locked(hosts[i], port);
    if (contains(*made, *entry)) continue;
    made->hosts.push_back({std::move(entry), config::weight_of(database, i)});
  }
  add_members(*made, config::patroni_urls(config, database), !database.patroni_urls.empty());
  return made;
}

void HostBoard::add_members(Cluster& cluster, const std::vector<std::string>& urls, bool is_own) {
  const auto known = members_.find(urls);
  if (known == members_.end()) return;
  std::vector<ClusterHost> members;
  bool is_theirs = is_own && !known->second.empty();
  for (const ClusterMember& member : known->second) {
    const auto entry = entry_locked(member.host, member.port);
    const auto at = std::find_if(cluster.hosts.begin(), cluster.hosts.end(),
                                 [&](const ClusterHost& host) { return host.entry == entry; });
    is_theirs = is_theirs || at != cluster.hosts.end();
    members.push_back(at == cluster.hosts.end() ? ClusterHost{entry, 1} : *at);
  }
  if (is_theirs) cluster.hosts = std::move(members);
}

void HostBoard::set_members(const std::vector<std::string>& urls,
                            std::vector<ClusterMember> members) {
  const std::lock_guard lock(mutex_);
  members_[urls] = std::move(members);
}

void HostBoard::keep_members(const std::set<std::vector<std::string>>& urls) {
  const std::lock_guard lock(mutex_);
  std::erase_if(members_, [&](const auto& item) { return !urls.contains(item.first); });
}

void HostBoard::alarm(const std::shared_ptr<HostEntry>& entry) const {
  // One message is enough until the host has been looked at.
  if (!entry->is_suspect.exchange(true) && on_alarm) on_alarm(entry);
}

}  // namespace remuda::route
