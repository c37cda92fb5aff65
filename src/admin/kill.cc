#include <set>

#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/gather.h"
#include "proxy/relay.h"
#include "remuda/base/text.h"

namespace remuda::admin {
namespace {

using Names = std::set<std::string>;

Names databases_with_pools(proxy::Worker& worker) {
  Names names;
  for (const auto& [key, pool] : worker.shards) names.insert(pool->database_name());
  return names;
}

// The pool itself stays, empty: tasks of its worker may still look at it.
void drop(proxy::PoolShard& pool) {
  pool.drop_clients("database removed");
  pool.mark_for_close();
}

proxy::Client* find_client(proxy::Worker& worker, uint64_t id) {
  for (auto& [key, pool] : worker.shards) {
    for (proxy::Client& client : pool->clients) {
      if (client.id == id) return &client;
    }
  }
  return nullptr;
}

// One that waits for its pool's first server.
bool drop_queued_login(proxy::Worker& worker, uint64_t id, const char* text) {
  for (proxy::LoginEntry& login : worker.login_entries) {
    if (login.id != id || login.deadline == nullptr) continue;
    login.deadline->interrupt(std::make_exception_ptr(PgError(text)));
    return true;
  }
  return false;
}

uint64_t read_id(const std::string& text) {
  const auto id = parse_number<uint64_t>(text);
  if (!id) throw PgError("invalid client pointer supplied");
  return *id;
}

}  // namespace

Answer kill(Call& call) {
  proxy::Ledgers& ledgers = call.control.shared().ledgers;
  if (ledgers.paused() || call.control.shared().suspended)
    throw PgError("already suspended/paused");
  Names names;
  if (call.argument.empty()) {
    const std::vector<Names> parts = co_await gather(call.control, databases_with_pools);
    for (const Names& part : parts) names.insert(part.begin(), part.end());
  } else {
    named_database(call, "kill", true);
    names.insert(call.argument);
  }
  log_issued("KILL", call);
  for (const std::string& name : names) {
    const auto database = ledgers.database(name);
    database->paused = true;
    ++database->kills;
    ledgers.close_servers(name);
  }
  auto drop_all = [names](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      if (names.contains(pool->database_name())) drop(*pool);
    }
    return true;
  };
  co_await gather(call.control, drop_all);
  co_return done("KILL");
}

Answer kill_client(Call& call) {
  const uint64_t id = read_id(call.argument);
  log_issued("KILL_CLIENT", call);
  auto drop_client = [id](proxy::Worker& worker) {
    constexpr const char* kText = "admin forced disconnect";
    proxy::Client* client = find_client(worker, id);
    if (!client) return drop_queued_login(worker, id, kText);
    proxy::fail_client(*client, SqlState(), kText);
    return true;
  };
  bool any = false;
  // One that was between two workers while they were asked has arrived when they are asked again.
  for (int round = 0; round < 2 && !any; ++round) {
    const std::vector<bool> found = co_await gather(call.control, drop_client);
    any = std::find(found.begin(), found.end(), true) != found.end();
  }
  if (!any && !call.consoles.kill(id)) throw PgError("client not found");
  co_return done("KILL_CLIENT");
}

}  // namespace remuda::admin
