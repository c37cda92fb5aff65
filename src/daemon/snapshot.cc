#include "daemon/snapshot.h"

#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {

namespace {

void log_all(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) log::warning("{}", message);
}

void renew_tls(proxy::Snapshot& snapshot, std::string& notice) {
  try {
    snapshot.tls = proxy::make_tls_contexts(*snapshot.config);
  } catch (const PgError& error) {
    notice = "TLS settings could not be applied, still using old configuration";
    log::error("{}", error.what());
    log::error("{}", notice);
  }
}

void renew_access(proxy::Snapshot& snapshot, std::string& notice) {
  std::vector<std::string> messages;
  try {
    snapshot.access = auth::load_access(*snapshot.config, messages);
    log_all(messages);
  } catch (const PgError& error) {
    notice = error.what();
    log::error("{}", error.what());
  }
}

}  // namespace

proxy::Snapshot make_snapshot(const config::Loaded& loaded) {
  std::vector<std::string> messages;
  proxy::Snapshot snapshot;
  snapshot.config = loaded.config;
  snapshot.users = loaded.users;
  snapshot.tls = proxy::make_tls_contexts(*loaded.config);
  snapshot.access = auth::load_access(*loaded.config, messages);
  log_all(messages);
  return snapshot;
}

proxy::Snapshot changed_snapshot(const proxy::Snapshot& running,
                                 std::shared_ptr<const config::Config> config,
                                 std::string& notice) {
  proxy::Snapshot snapshot = running;
  snapshot.config = std::move(config);
  const bool same_tls = proxy::same_client_tls(*running.config, *snapshot.config) &&
                        proxy::same_server_tls(*running.config, *snapshot.config);
  if (!same_tls) renew_tls(snapshot, notice);
  if (!auth::same_access(*running.config, *snapshot.config)) renew_access(snapshot, notice);
  return snapshot;
}

}  // namespace remuda::daemon
