#include <fmt/format.h>

#include "admin/commands.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kInt8;
using wire::oid::kText;

// Each worker has a cache of its own: the freshest look-up of a name is shown.
constexpr Column kHostColumns[] = {
    {"hostname", kText, Merge::key},
    {"ttl", kInt8, Merge::max},
    {"addrs", kText},
};

constexpr Column kZoneColumns[] = {{"zonename", kText}, {"serial", kInt8}, {"count", kInt4}};

std::vector<Row> names_of(proxy::Worker& worker) {
  std::vector<Row> rows;
  for (const io::Resolver::Name& name : worker.resolver.names()) {
    std::vector<std::string> addresses;
    for (io::Address address : name.addresses) {
      address.set_port(0);
      addresses.push_back(address.text());
    }
    rows.push_back({text(name.host), number(name.left / kSecond),
                    text(fmt::format("{}", fmt::join(addresses, ",")))});
  }
  return rows;
}

}  // namespace

Answer show_dns_hosts(Call& call) {
  Table table = co_await gather_table(call.control, kHostColumns, names_of);
  table.merge();
  co_return table.messages();
}

// Names are looked up by the system, which tells nothing of zones.
Answer show_dns_zones(Call& call) {
  (void)call;
  const Table table(kZoneColumns);
  co_return table.messages();
}

}  // namespace remuda::admin
