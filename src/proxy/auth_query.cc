#include "proxy/auth_query.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "pg/query.h"
#include "proxy/placement.h"
#include "proxy/pool_shard.h"
#include "proxy/relay.h"
#include "proxy/remote_answer.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

constexpr const char* kConfigError = "bouncer config error";
constexpr Micros kLongestQuery = 60 * kSecond;  // with a server, when logins have no time limit
constexpr size_t kLongestSecret = 65535;
constexpr pg::QueryLimits kSecretLimits{.rows = 100, .bytes = 1024 * 1024};
constexpr pg::QueryLimits kGroupLimits{.rows = 10000, .bytes = 2 * 1024 * 1024};

// Every name is qualified and compared in full: a cast of the parameter would cut a long name.
constexpr const char* kGroupQuery =
    "WITH RECURSIVE membership(role) AS ("
    "SELECT oid FROM pg_catalog.pg_roles WHERE rolname::pg_catalog.text = $1::pg_catalog.text "
    "UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN membership ON m.member = role) "
    "SELECT rolname FROM pg_catalog.pg_roles JOIN membership ON oid = role";

// Where users of a database are looked up.
struct AuthPool {
  std::string database;
  std::string user;
};

Micros patience_of(const Worker& worker) {
  const Micros timeout = worker.config().client_login_timeout;
  return timeout > 0 ? timeout : kLongestQuery;
}

const std::optional<std::string>& auth_user_of(const config::Config& config,
                                               const config::Database& database) {
  return database.auth_user ? database.auth_user : config.auth_user;
}

AuthPool find_pool(const Worker& worker, const config::Database& database) {
  const config::Config& config = worker.config();
  if (worker.shared.shutdown != Shutdown::none) throw PgError("pooler is shutting down");
  const auto& user = auth_user_of(config, database);
  if (!user) throw PgError(kConfigError);  // taken away by a reload
  const auto& configured = database.auth_dbname ? database.auth_dbname : config.auth_dbname;
  const std::string name = configured.value_or(database.name);
  if (config::is_console(name)) {
    log::error("cannot use the reserved \"{}\" database as an auth_dbname", name);
    throw PgError(kConfigError);
  }
  if (!route::find_database(config, name)) {
    log::error("authentication database \"{}\" is not configured.", name);
    throw PgError(kConfigError);
  }
  const auto ledger = worker.shared.ledgers.find_database(name);
  if (ledger && ledger->disabled) {
    throw PgError(fmt::format("authentication database \"{}\" is disabled", name));
  }
  return AuthPool{name, *user};
}

// ---- On the pool's home: with a server

void follow(Server& server, const std::vector<wire::Parameter>& reported) {
  session::ServerView& view = server.view;
  for (const auto& [name, value] : reported) {
    if (!session::is_settable_parameter(name)) continue;
    // No honest server has so many.
    if (view.parameters->values().size() >= session::ParameterSet::kMaxFollowed)
      view.suspect = true;
    if (!view.suspect) view.parameters = view.parameters.with(name, value);
  }
}

// What makes a new server ready must be done again on one that has forgotten everything.
io::Task<void> repeat_connect_query(Server& server) {
  const auto database = route::find_database(server.worker.config(), server.pool.database_name());
  if (!database || !database->connect_query || database->connect_query->empty()) co_return;
  std::string sql = *database->connect_query;
  try {
    const pg::QueryResult result = co_await pg::simple(server.stream, sql);
    follow(server, result.reported);
  } catch (const pg::QueryRefusal& refusal) {
    log::error("{} error while executing exec_on_query", log_name(server));
    follow(server, refusal.reported);
  }
}

// A client may have left a search_path, a role or a temporary table that steers our query.
io::Task<void> discard_all(Server& server) {
  const std::string sql = "DISCARD ALL";
  const pg::QueryResult result = co_await pg::simple(server.stream, sql);
  follow(server, result.reported);
  session::ServerView& view = server.view;
  view.parameters =
      session::after_replay(view.parameters, server.worker.parameters.empty_set(), view.reported);
  view.settings.discard();
  server.is_clean = true;
  co_await repeat_connect_query(server);
}

// False when the server had to be closed instead.
io::Task<bool> clean(ServerLease& lease, io::Deadline& deadline) {
  Server& server = lease.server();
  if (server.is_clean) co_return true;
  const io::Deadline::Aim aim(deadline, server.stream);
  const io::CloseLink link(server.worker.tasks, server.stream);
  try {
    co_await discard_all(server);
    co_return true;
  } catch (const TimedOut&) {
    lease.close("reset query failed");
    throw;
  } catch (const std::exception& error) {
    log::warning("{} DISCARD ALL before auth_query: {}", log_name(server), error.what());
    lease.close("reset query failed");
  }
  co_return false;
}

// Each round closes a server that could not be cleaned; a new one is clean.
io::Task<ServerLease> clean_lease(PoolShard& pool, io::Deadline& deadline) {
  while (true) {
    ServerLease lease = co_await pool.lease(deadline);
    const bool is_clean = co_await clean(lease, deadline);
    if (is_clean) co_return lease;
  }
}

// Runs a query about a user. What fails is logged here, once for all who wait.
io::Task<pg::QueryResult> ask_server(ServerLease& lease, io::Deadline& deadline, std::string sql,
                                     std::string user, size_t columns, pg::QueryLimits limits) {
  Server& server = lease.server();
  const io::Deadline::Aim aim(deadline, server.stream);
  const io::CloseLink link(server.worker.tasks, server.stream);
  const std::vector<std::string> parameters{std::move(user)};
  try {
    pg::QueryResult result = co_await pg::query(server.stream, sql, parameters, limits);
    follow(server, result.reported);
    if (result.columns != columns) {
      throw PgError(
          fmt::format("expected {} columns from auth_query, not {}", columns, result.columns));
    }
    co_return result;
  } catch (const pg::QueryRefusal& refusal) {
    log::warning("{} error in auth_query: {} {}", log_name(server), refusal.sqlstate().view(),
                 refusal.what());
    lease.close("error response from auth_query");
    throw;
  } catch (const std::exception& error) {
    log::warning("{} auth_query failed: {}", log_name(server), error.what());
    lease.close(error.what());
    throw;
  }
}

io::Task<pg::QueryResult> ask_pool(PoolShard& pool, std::string sql, std::string user,
                                   size_t columns, pg::QueryLimits limits) {
  io::Deadline deadline(pool.worker.loop, patience_of(pool.worker), "auth_query timeout");
  ServerLease lease = co_await clean_lease(pool, deadline);
  pg::QueryResult result = co_await ask_server(lease, deadline, sql, user, columns, limits);
  pool.give_back(std::move(lease));
  co_return result;
}

// As PgBouncer: of several rows the last counts, and a NULL name is no user at all.
auth::FoundSecret take_secret(std::vector<pg::Row>& rows) {
  auth::FoundSecret found;
  if (!rows.empty() && rows.back()[0]) {
    found.found = true;
    found.name = *rows.back()[0];
    found.secret = rows.back()[1].value_or("");
  }
  for (pg::Row& row : rows) {
    if (row[1]) wire::wipe(*row[1]);
  }
  if (found.name.size() > config::kMaxUserName || found.secret.size() > kLongestSecret) {
    log::warning("auth_query gave a name or a secret that is too long");
    throw PgError(kConfigError);
  }
  return found;
}

// ---- Between two workers

// Without value it failed. The log knows why; the client is told only what `refusal` says.
template <class T>
struct Answer {
  std::optional<T> value;
  std::optional<PgError> refusal;
};
template <class T>
using Reply = RemoteReply<Answer<T>>;

// Has `answer(home, reply)` run as a task of the home worker, and waits for what it replies.
template <class T, class AnswerTask>
io::Task<T> ask_home(Worker& worker, AuthPool pool, io::Deadline& deadline, AnswerTask answer) {
  Worker& home = home_of(worker.shared, pool.database, pool.user);
  RemoteAnswer<Answer<T>> awaited(worker);
  const io::Deadline::Aim aim(deadline, awaited.waiter);
  const io::CloseLink link(worker.tasks, awaited.waiter);
  home.post([&home, answer = std::move(answer), reply = awaited.reply()]() mutable {
    if (!home.tasks.is_closing()) home.tasks.spawn(answer(home, std::move(reply)));
  });
  Answer<T> got = co_await awaited.waiter.wait();
  if (got.refusal) throw PgError(*got.refusal);
  if (!got.value) throw PgError(kConfigError);
  co_return std::move(*got.value);
}

io::Task<void> answer_secret(Worker& home, AuthPool pool, auth::SecretCache::Key key, bool refresh,
                             Reply<auth::FoundSecret> reply) {
  Reply<auth::FoundSecret> held = std::move(reply);
  io::Deadline deadline(home.loop, patience_of(home), "auth_query timeout");
  PoolShard& shard = home.shard(pool.database, pool.user);
  const PoolShard::Hold hold(shard);
  try {
    auth::FoundSecret found = co_await shard.secrets.get(key, refresh, deadline);
    held.send({std::move(found), std::nullopt});
  } catch (const PgError& error) {
    // That a database does not exist is no secret: the client named it.
    if (error.sqlstate() == wire::sqlstate::kUndefinedDatabase) held.send({std::nullopt, error});
    log::debug("{}/{} auth_query: {}", pool.database, pool.user, error.what());
  } catch (const std::exception& error) {
    log::debug("{}/{} auth_query: {}", pool.database, pool.user, error.what());
  }
}

io::Task<void> answer_groups(Worker& home, AuthPool pool, std::string user,
                             Reply<std::set<std::string>> reply) {
  Reply<std::set<std::string>> held = std::move(reply);
  PoolShard& shard = home.shard(pool.database, pool.user);
  const PoolShard::Hold hold(shard);
  const std::string sql = kGroupQuery;
  try {
    const pg::QueryResult result = co_await ask_pool(shard, sql, user, 1, kGroupLimits);
    std::set<std::string> groups;
    for (const pg::Row& row : result.rows) {
      if (row[0]) groups.insert(*row[0]);
    }
    held.send({std::move(groups), std::nullopt});
  } catch (const std::exception& error) {
    log::debug("{}/{} groups of a user: {}", pool.database, pool.user, error.what());
  }
}

}  // namespace

bool has_auth_query(const config::Config& config, const config::Database& database) noexcept {
  return auth_user_of(config, database).has_value();
}

io::Task<auth::FoundSecret> fetch_secret(PoolShard& pool, auth::SecretCache::Key key) {
  pg::QueryResult result = co_await ask_pool(pool, key.query, key.user, 2, kSecretLimits);
  co_return take_secret(result.rows);
}

io::Task<auth::FoundSecret> look_up_secret(Worker& worker, const config::Database& database,
                                           std::string user, io::Deadline& deadline, bool refresh) {
  const AuthPool pool = find_pool(worker, database);
  const auth::SecretCache::Key key{database.auth_query.value_or(worker.config().auth_query), user};
  auto answer = [pool, key, refresh](Worker& home, Reply<auth::FoundSecret> reply) {
    return answer_secret(home, pool, key, refresh, std::move(reply));
  };
  co_return co_await ask_home<auth::FoundSecret>(worker, pool, deadline, answer);
}

io::Task<std::set<std::string>> look_up_groups(Worker& worker, const config::Database& database,
                                               std::string user, io::Deadline& deadline) {
  std::set<std::string> groups;
  if (!has_auth_query(worker.config(), database)) co_return groups;
  const AuthPool pool = find_pool(worker, database);
  auto answer = [pool, user](Worker& home, Reply<std::set<std::string>> reply) {
    return answer_groups(home, pool, user, std::move(reply));
  };
  co_return co_await ask_home<std::set<std::string>>(worker, pool, deadline, answer);
}

}  // namespace remuda::proxy
