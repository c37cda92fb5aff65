// Where a host is: a name may lead to another one any time, which is then looked at anew. A name
// with several addresses is one host: the one of them that answers.
#include <fmt/core.h>

#include <algorithm>

#include "proxy/host_watch.h"
#include "proxy/server_tls.h"
#include "remuda/base/log.h"

namespace remuda::proxy {

// A name server that is slow or silent must not make a host fail whose address is known.
io::Task<io::Address> HostWatch::locate(Watched& host) {
  const std::string name = host.entry->host;
  const uint16_t port = host.entry->port;
  if (io::is_unix_host(name)) {
    if (!host.home) move(host, io::Address::unix_socket(name, port));
    co_return *host.home;
  }
  const config::Config& config = *snapshot_.config;
  Micros timeout = std::max(config.health_check_timeout, 10 * kMillisecond);
  if (host.home) timeout = std::min(timeout, rules().fast_interval);
  if (host.health.is_in_transition()) resolver_.expire(name);
  try {
    auto found = co_await resolver_.resolve(name, port, timeout, &tasks_);
    host.addresses = std::move(found);
  } catch (const std::exception& error) {
    if (tasks_.is_closing()) throw;
    if (host.addresses.empty()) throw ConnectFailure(error.what());
  }
  co_return choose_address(host);
}

// The others are tried when the one it had is lost.
io::Address HostWatch::choose_address(Watched& host) {
  const auto& all = host.addresses;
  const auto home = host.home ? std::find(all.begin(), all.end(), *host.home) : all.end();
  if (home == all.end()) {
    move(host, all.front());
    return all.front();
  }
  if (host.health.state() != route::HostState::down) return *home;
  return all[host.begun % all.size()];
}

// Servers that were opened before are of no use: whatever is there now, it is another host.
void HostWatch::move(Watched& host, const io::Address& address) {
  const route::HostHealth before = host.health;
  const bool is_first = !host.home;
  host.home = address;
  host.entry->set_address(address);
  if (is_first) return;
  log::info("host {} has moved to {}", host.entry->name(), address.text());
  host.system = 0;
  host.history = {};
  host.primary_timeline = 0;
  host.health.move("it has moved to " + address.text(), loop_.now());
  publish(host);
  tell_workers();
}

// What an address said that is not the host's any more says nothing. One of a host that was lost
// which answers is where it is from now on.
bool HostWatch::is_from_elsewhere(Watched& host, const Finding& finding) {
  if (!host.home || finding.address == *host.home) return false;
  if (host.health.state() != route::HostState::down) return true;
  const auto& all = host.addresses;
  const bool is_its = std::find(all.begin(), all.end(), finding.address) != all.end();
  if (is_its && finding.answer) move(host, finding.address);
  return !is_its;
}

}  // namespace remuda::proxy
