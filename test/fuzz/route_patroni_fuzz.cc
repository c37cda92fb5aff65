// Patroni's answer to GET /cluster. Input: the text.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "remuda/base/error.h"
#include "route/patroni_cluster.h"

namespace remuda::route {
namespace {

void check(std::string_view text) {
  ClusterView view;
  try {
    view = parse_patroni_cluster(text);
  } catch (const PgError& error) {
    for (const char c : std::string_view(error.what())) REMUDA_CHECK(c >= ' ' && c <= '~');
    return;
  }
  REMUDA_CHECK(view.members.size() <= kMaxClusterMembers);
  std::set<std::string> names;
  size_t primaries = 0;
  for (const ClusterMember& member : view.members) {
    REMUDA_CHECK(!member.name.empty() && names.insert(member.name).second);
    REMUDA_CHECK(!member.host.empty() && member.host.find('/') == std::string::npos);
    REMUDA_CHECK(member.port != 0);
    primaries += member.role == HostRole::primary;
  }
  REMUDA_CHECK(primaries <= 1);
}

}  // namespace
}  // namespace remuda::route

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  remuda::route::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
