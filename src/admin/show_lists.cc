#include <set>
#include <utility>

#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

constexpr Column kListColumns[] = {{"list", wire::oid::kText}, {"items", wire::oid::kInt4}};

using proxy::LoginEntry;

struct ListCounts {
  std::set<std::pair<std::string, std::string>> pools;
  size_t clients = 0;
  size_t logins = 0;
  size_t servers = 0;
  size_t names = 0;
  size_t lookups = 0;
};

ListCounts list_counts(proxy::Worker& worker) {
  ListCounts counts;
  for (const auto& [key, pool] : worker.shards) {
    counts.pools.insert(key);
    counts.clients += pool->clients.size();
    counts.servers += pool->server_count() + static_cast<size_t>(pool->dials());
  }
  counts.logins = static_cast<size_t>(worker.logins());
  for (const LoginEntry& login : worker.login_entries) {
    counts.clients += login.stage == LoginEntry::Stage::queued;
  }
  counts.names = worker.resolver.names().size();
  counts.lookups = worker.resolver.pending();
  return counts;
}

ListCounts sum_of(const std::vector<ListCounts>& parts) {
  ListCounts sum;
  for (const ListCounts& part : parts) {
    sum.pools.insert(part.pools.begin(), part.pools.end());
    sum.clients += part.clients;
    sum.logins += part.logins;
    sum.servers += part.servers;
    sum.names += part.names;
    sum.lookups += part.lookups;
  }
  return sum;
}

Row line(const char* list, size_t items) {
  return {text(list), number(items)};
}

}  // namespace

Answer show_lists(Call& call) {
  const std::vector<ListCounts> parts = co_await gather(call.control, list_counts);
  const ListCounts sum = sum_of(parts);
  const size_t peers = call.control.snapshot().config->peers.size();
  Table table(kListColumns);
  table.add(line("databases", known_databases(call.control).size() + 1));  // the console's too
  table.add(line("users", known_users(call.control).size()));
  table.add(line("peers", peers));
  table.add(line("pools", sum.pools.size() + 1));
  table.add(line("peer_pools", peers));
  table.add(line("free_clients", 0));  // nothing is kept for reuse
  table.add(line("used_clients", sum.clients + sum.logins + call.consoles.size()));
  table.add(line("login_clients", sum.logins));
  table.add(line("free_servers", 0));
  table.add(line("used_servers", sum.servers));
  table.add(line("dns_names", sum.names));
  table.add(line("dns_zones", 0));
  table.add(line("dns_queries", sum.lookups));
  table.add(line("dns_pending", 0));
  co_return table.messages();
}

}  // namespace remuda::admin
