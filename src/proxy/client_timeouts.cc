#include "proxy/client_timeouts.h"

#include "config/effective.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

ClientTimeouts timeouts_of(const config::Config& config, const config::User* user) {
  return {.query = config::query_timeout(config, user),
          .transaction = config::transaction_timeout(config, user),
          .idle_transaction = config::idle_transaction_timeout(config, user),
          .idle = config::client_idle_timeout(config, user)};
}

void shorten(Micros& shortest, Micros timeout) {
  if (timeout > 0 && (shortest == 0 || timeout < shortest)) shortest = timeout;
}

}  // namespace

ClientTimeouts client_timeouts(const config::Config& config, const std::string& user) {
  return timeouts_of(config, route::find_user(config, user));
}

ClientTimeouts shortest_timeouts(const config::Config& config) {
  ClientTimeouts shortest = timeouts_of(config, nullptr);
  for (const auto& [name, user] : config.users) {
    const ClientTimeouts own = timeouts_of(config, &user);
    shorten(shortest.query, own.query);
    shorten(shortest.transaction, own.transaction);
    shorten(shortest.idle_transaction, own.idle_transaction);
    shorten(shortest.idle, own.idle);
  }
  return shortest;
}

}  // namespace remuda::proxy
