// Clients that take too long. Their lists are in order of the time that counts, so that a look at
// a pool of idle clients is a look at the first of them; those that have a server are as few as
// servers are.
#include <fmt/core.h>

#include <utility>

#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/worker.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::proxy {
namespace {

bool is_over(Micros since, Micros timeout, Micros now) noexcept {
  return timeout > 0 && since != 0 && now - since > timeout;
}

ClientTimeouts timeouts_of(const Client& client) {
  return client_timeouts(client.worker.config(), client.places.user->name);
}

// Why a client that has a server must go; null if it may stay.
const char* overdue(const Client& client, Micros now) {
  const ClientTimeouts limits = timeouts_of(client);
  if (is_over(client.query_start, limits.query, now)) return "query timeout";
  if (is_over(client.transaction_start, limits.transaction, now)) return "transaction timeout";
  const bool idles = client.query_start == 0 && client.transaction_start != 0;
  if (idles && is_over(client.idle_since, limits.idle_transaction, now)) {
    return "idle transaction timeout";
  }
  return nullptr;
}

}  // namespace

// One that ends may let others go on, so all are found first.
void PoolShard::fail_slow_clients(Micros now) {
  const ClientTimeouts& shortest = worker.shortest_timeouts();
  std::vector<std::pair<Client*, const char*>> found;
  if (shortest.limit_use()) {
    for (Client& client : list_of(ClientState::active)) {
      if (const char* why = overdue(client, now)) found.emplace_back(&client, why);
    }
  }
  if (shortest.query > 0) {
    for (Client& client : waiting) {
      if (now - client.wait_start <= shortest.query) break;
      if (is_over(client.wait_start, timeouts_of(client).query, now)) {
        found.emplace_back(&client, "query_timeout");
      }
    }
  }
  if (shortest.idle > 0) {
    for (Client& client : list_of(ClientState::idle)) {
      if (now - client.idle_since <= shortest.idle) break;
      if (is_over(client.idle_since, timeouts_of(client).idle, now)) {
        found.emplace_back(&client, "client_idle_timeout");
      }
    }
  }
  for (const auto& [client, why] : found) {
    fail_client(*client, wire::sqlstate::kProtocolViolation, why);
  }
}

void PoolShard::fail_long_waits(Micros now) {
  if (settings.query_wait_timeout <= 0) return;
  while (oldest_wait(now) > settings.query_wait_timeout) {
    fail_client(waiting.front(), wire::sqlstate::kProtocolViolation, "query_wait_timeout");
  }
}

// A login waits for the first server as a query would.
void PoolShard::fail_long_logins(Micros now) {
  const Micros query_timeout = client_timeouts(worker.config(), user_name()).query;
  for (const GreetingWaiter& login : greeting_waiters_) {
    if (is_over(login.since, query_timeout, now)) {
      login.waiter->fail(std::make_exception_ptr(PgError("query_timeout")));
    } else if (is_over(login.since, settings.query_wait_timeout, now)) {
      login.waiter->fail(std::make_exception_ptr(PgError("query_wait_timeout")));
    }
  }
}

// The queue is in order of arrival, so only its beginning is looked at.
void PoolShard::notify_long_waits(Micros now) {
  const Micros patience = worker.config().query_wait_notify * kSecond;
  if (patience <= 0) return;
  const bool lacks_host = no_host_since_ != 0;
  const std::string text =
      lacks_host
          ? fmt::format("no host of database \"{}\" can serve at the moment, waiting for one",
                        database_name())
          : "No server connection available in postgres backend, client being queued";
  for (Client& client : waiting) {
    if (!lacks_host && now - client.wait_start <= patience) break;
    if (client.wait_notified) continue;
    client.wait_notified = true;
    std::string out;
    wire::notice_response(out, text);
    client.stream.write(out);
  }
}

}  // namespace remuda::proxy
