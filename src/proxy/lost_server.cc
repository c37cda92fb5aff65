#include "proxy/lost_server.h"

#include <fmt/core.h>

#include "proxy/client.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
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

bool is_settled_frame(const session::FrameState& frame) noexcept {
  return frame.at_boundary() && frame.holds_nothing();
}

}  // namespace

LostServer describe_loss(const Server& server, std::string_view why) {
  const bool is_unknown = server.client && server.client->view.in_query;
  return {is_unknown ? wire::sqlstate::kTransactionResolutionUnknown
                     : wire::sqlstate::kConnectionFailure,
          fmt::format("host {}: {}; {}", server.claim.entry()->name(), why, fate_of(server))};
}

bool look_for_alarm(const Server& server, ByteView bytes) {
  // ParseComplete, BindComplete and NoData may stand in front of it.
  while (bytes.size() > kHeader && (bytes[0] == '1' || bytes[0] == '2' || bytes[0] == 'n')) {
    bytes.remove_prefix(kHeader);
  }
  if (bytes.size() <= kHeader || bytes[0] != 'E') return false;
  const std::shared_ptr<route::HostEntry>& host = server.claim.entry();
  const wire::ErrorFields fields = wire::parse_error_fields(bytes.substr(kHeader));
  const bool is_read_only = fields.sqlstate == wire::sqlstate::kReadOnlyTransaction &&
                            host->role.load() == route::HostRole::primary;
  const bool ends = fields.sqlstate == wire::sqlstate::kAdminShutdown;
  if (is_read_only || ends) server.worker.shared.hosts.alarm(host);
  return ends;
}

bool begin_elsewhere(Server& server, std::string_view reason) {
  const session::ServerView& view = server.view;
  const ByteView beginning = server.beginning.bytes();
  if (!server.client || beginning.empty() || server.closing) return false;
  Client& client = *server.client;
  const bool has_begun = view.pipeline.size() != 1 || view.has_replied ||
                         view.pipeline.front().kind != session::StatementKind::begin ||
                         view.status != session::TransactionStatus::idle;
  const bool has_more = !client.parked.empty() || !is_settled_frame(client.view.frame);
  const bool follows = server.pool.settings.mode == config::PoolMode::transaction;
  if (has_begun || has_more || !follows || !is_settled_frame(view.frame)) return false;
  // A copy, as the server ends here.
  const std::string message(beginning);
  server.pool.unlink(client);
  close_server(server, reason);
  client.parked.append(message);
  pump(client);
  return true;
}

}  // namespace remuda::proxy
