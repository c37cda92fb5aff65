#include <fmt/format.h>

#include <map>

#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/table.h"
#include "config/effective.h"
#include "remuda/base/log.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kInt8;
using wire::oid::kText;

constexpr Column kClusterHostColumns[] = {
    {"host", kText, Merge::key},
    {"port", kInt4, Merge::key},
    {"role", kText},
    {"state", kText},
    {"state_seconds", kInt8},
    {"lag_ms", kInt8},
    {"lag_bytes", kInt8},
    {"timeline", kInt8},
    {"epoch", kInt8},
    {"checks_ok", kInt8},
    {"checks_failed", kInt8},
    {"last_error", kText},
    {"connections", kInt4},
    {"weight", kInt4},
    {"disabled", kInt4},
    {"databases", kText},
};

// What databases have to do with a host.
struct Use {
  int weight = 0;  // the greatest
  std::vector<std::string> databases;
};

std::map<const route::HostEntry*, Use> uses(Control& control) {
  std::map<const route::HostEntry*, Use> found;
  const config::Config& config = *control.snapshot().config;
  for (const auto& [name, database] : known_databases(control)) {
    const auto cluster = control.shared().hosts.cluster(config, database);
    if (!cluster) continue;
    for (const route::ClusterHost& host : cluster->hosts) {
      Use& use = found[host.entry.get()];
      use.weight = std::max(use.weight, host.weight);
      use.databases.push_back(name);
    }
  }
  return found;
}

Cell known(int64_t value, int64_t unit) {
  return value < 0 ? null() : number(value / unit);
}

Row row_of(const route::HostEntry& entry, const Use& use, Micros now) {
  const Micros since = entry.since;
  const uint32_t timeline = entry.timeline;
  const std::string error = entry.last_error();
  return {text(entry.host),
          number(entry.port),
          text(route::to_text(entry.role.load())),
          text(route::to_text(entry.state.load())),
          since == 0 ? null() : number((now - since) / kSecond),
          known(entry.lag_time, kMillisecond),
          known(entry.lag_bytes, 1),
          timeline == 0 ? null() : number(timeline),
          number(entry.epoch.load()),
          number(entry.checks_passed.load()),
          number(entry.checks_failed.load()),
          error.empty() ? null() : text(error),
          number(entry.connections.load()),
          number(use.weight),
          number(entry.is_disabled.load()),
          text(fmt::format("{}", fmt::join(use.databases, ",")))};
}

Answer set_disabled(Call& call, const char* word, bool is_disabled) {
  const std::string tag = fmt::format("{} HOST", word);
  if (call.name.empty()) throw PgError("a host is required");
  const auto entry = call.control.shared().hosts.find(call.name);
  if (!entry) throw PgError("no such host: " + call.name);
  log::info("{} '{}' command issued", tag, entry->name());
  if (entry->is_disabled.exchange(is_disabled) != is_disabled) {
    // Servers that are there are closed as they become free.
    if (is_disabled) entry->epoch.fetch_add(1);
    for (proxy::Worker* worker : call.control.shared().workers) {
      worker->post([worker] { worker->hosts_changed(); });
    }
    // Others may be waited for now, and are looked at sooner.
    if (is_disabled) call.control.shared().hosts.alarm(entry);
  }
  co_return done(tag);
}

}  // namespace

Answer show_hosts(Call& call) {
  Table table(kClusterHostColumns);
  const Micros now = call.control.loop().now();
  for (const auto& [entry, use] : uses(call.control)) table.add(row_of(*entry, use, now));
  table.merge();
  co_return table.messages();
}

Answer disable_host(Call& call) {
  return set_disabled(call, "DISABLE", true);
}

Answer enable_host(Call& call) {
  return set_disabled(call, "ENABLE", false);
}

}  // namespace remuda::admin
