// What becomes of a server when its client leaves: nothing of the client's work may stay on it, and
// the connection is kept where that can be seen to.
#include "proxy/cancel.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"

namespace remuda::proxy {
namespace {

constexpr std::string_view kSync{"S\0\0\0\4", 5};
// For the end of a cancelled query, where cancel requests may take for ever.
constexpr Micros kAbandonedPatience = 10 * kSecond;

}  // namespace

void PoolShard::depart(Client& client) {
  const bool may_cancel = !client.said_goodbye && worker.config().cancel_abandoned_queries;
  Server* server = client.server;
  // Asked before the link is cut: unlinking forgets what the client had half done.
  const bool is_whole = client.view.frame.at_boundary();
  if (server) unlink(client);
  list_of(client.state()).erase(client);
  if (!server) return;
  if (server->replication != Replication::none) {
    return close_server(*server, "replication client was closed");
  }
  if (is_whole && server->view.is_answered() && !server->view.suspect) return release(*server);
  // What was sent in part has not begun, and ends with the connection.
  const bool is_running = server->view.pipeline.size() > (is_whole ? 0u : 1u);
  if (may_cancel && is_running) worker.tasks.spawn(cancel_query(*server));
  if (!may_cancel || !is_whole || !drain(*server)) {
    close_server(*server, "client disconnect while server was not ready");
  }
}

// Reads what is still owed until the server is free again. False when that cannot be.
bool PoolShard::drain(Server& server) {
  bool needs_sync = false;
  if (!session::abandon(server.view, needs_sync)) return false;
  if (needs_sync) server.stream.write(kSync);
  server.abandoned_at = worker.now();
  note_reset_due(server);
  worker.somebody_waits();
  return true;
}

void PoolShard::close_undrained(Micros now) {
  const Micros wait = worker.config().cancel_wait_timeout;
  const Micros patience = wait > 0 ? wait : kAbandonedPatience;
  for (auto at = tested_.begin(); at != tested_.end();) {
    Server& server = *at;
    ++at;
    if (server.abandoned_at == 0) continue;
    if (now - server.abandoned_at >= patience) {
      close_server(server, "client disconnected with query in progress");
    } else if (server.cancels == 0 && !server.view.pipeline.empty()) {
      // The last one came before the query had begun, or there are more of them.
      worker.tasks.spawn(cancel_query(server));
    }
  }
}

}  // namespace remuda::proxy
