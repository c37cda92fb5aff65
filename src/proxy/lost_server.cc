#include "proxy/lost_server.h"

#include <fmt/core.h>

#include "proxy/client.h"
#include "proxy/worker.h"
#include "remuda/wire/notice.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

constexpr size_t kHeader = 5;

const char* fate_of(const Server& server) {
  const bool in_transaction = server.view.status != session::TransactionStatus::idle;
  if (!server.client || !server.client->view.in_query) {
    return in_transaction ? "its transaction was rolled back" : "no statement was in progress";
  }
  return in_transaction
             ? "its transaction was rolled back, unless the statement in progress was to "
               "commit it: that is not known"
             : "whether the statement in progress took effect is not known";
}

}  // namespace

LostServer describe_loss(const Server& server, std::string_view why) {
  const bool is_unknown = server.client && server.client->view.in_query;
  return {is_unknown ? wire::sqlstate::kTransactionResolutionUnknown
                     : wire::sqlstate::kConnectionFailure,
          fmt::format("host {}: {}; {}", server.claim.entry()->name(), why, fate_of(server))};
}

void look_for_alarm(const Server& server, ByteView bytes) {
  // ParseComplete, BindComplete and NoData may stand in front of it.
  while (bytes.size() > kHeader && (bytes[0] == '1' || bytes[0] == '2' || bytes[0] == 'n')) {
    bytes.remove_prefix(kHeader);
  }
  if (bytes.size() <= kHeader || bytes[0] != 'E') return;
  const std::shared_ptr<route::HostEntry>& host = server.claim.entry();
  const wire::ErrorFields fields = wire::parse_error_fields(bytes.substr(kHeader));
  const bool is_read_only = fields.sqlstate == wire::sqlstate::kReadOnlyTransaction &&
                            host->role.load() == route::HostRole::primary;
  const bool ends = fields.sqlstate == wire::sqlstate::kAdminShutdown;
  if (is_read_only || ends) server.worker.shared.hosts.alarm(host);
}

}  // namespace remuda::proxy
