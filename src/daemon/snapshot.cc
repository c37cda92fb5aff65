#include "daemon/snapshot.h"

#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {

proxy::Snapshot make_snapshot(const config::Loaded& loaded) {
  proxy::Snapshot snapshot;
  snapshot.config = loaded.config;
  snapshot.users = loaded.users;
  snapshot.tls = proxy::make_tls_contexts(*loaded.config);
  return snapshot;
}

proxy::Snapshot changed_snapshot(const proxy::Snapshot& running,
                                 std::shared_ptr<const config::Config> config) {
  proxy::Snapshot snapshot = running;
  snapshot.config = std::move(config);
  const bool same_tls = proxy::same_client_tls(*running.config, *snapshot.config) &&
                        proxy::same_server_tls(*running.config, *snapshot.config);
  if (same_tls) return snapshot;
  try {
    snapshot.tls = proxy::make_tls_contexts(*snapshot.config);
  } catch (const PgError& error) {
    log::error("{}; TLS stays as it was", error.what());
  }
  return snapshot;
}

}  // namespace remuda::daemon
