#include "proxy/dial.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "io/connect.h"
#include "io/deadline.h"
#include "io/timer.h"
#include "pg/login.h"
#include "proxy/connect_settings.h"
#include "proxy/login_entry.h"
#include "proxy/pool_shard.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/server_host.h"
#include "proxy/server_tls.h"
#include "proxy/socket_options.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

struct Outcome {
  Replication replication = Replication::none;
  std::vector<wire::Parameter> startup;         // more than every server of the pool is given
  std::string where;                            // the address, once it is known
  std::shared_ptr<route::HostEntry> host = {};  // if its hosts are checked
  std::unique_ptr<Server> server;
  ServerParameters parameters;
};

constexpr Micros kShortestPatience = 100 * kMillisecond;

struct Failure {
  DialFailure failure;
  std::string detail;         // for the log only
  bool tell_waiters = false;  // the server answered: waiting does not help
};

// Clients have proved to be somebody else than the user the pool logs in as.
bool is_forced(const PoolShard& pool, const config::Database& database) {
  return database.user && *database.user == pool.user_name();
}

// The secret for a server: the forced user's password, else the auth file's entry of that name,
// else what the last login of that user brought along.
wire::Secret find_secret(const PoolShard& pool, const config::Database& database) {
  const bool forced = is_forced(pool, database);
  if (forced && database.password && !database.password->empty()) {
    return wire::parse_secret(*database.password);
  }
  const std::string* stored = pool.worker.snapshot().users->find(pool.user_name());
  if (stored && !stored->empty()) return wire::parse_secret(*stored);
  if (forced) return wire::parse_secret("");
  std::string learned = pool.ledger->facts.learned_secret();
  const wire::WipeAtEnd wipe(learned);
  return wire::parse_secret(learned);
}

pg::LoginRequest make_request(const PoolShard& pool, const config::Database& database) {
  pg::LoginRequest request;
  request.user = pool.user_name();
  request.startup = {{"user", request.user}, {"database", database.dbname}};
  const std::pair<const char*, const std::optional<std::string>&> extras[] = {
      {"client_encoding", database.client_encoding},
      {"datestyle", database.datestyle},
      {"timezone", database.timezone},
      {"application_name", database.application_name}};
  for (const auto& [name, value] : extras) {
    if (value) request.startup.emplace_back(name, *value);
  }
  request.secret = find_secret(pool, database);
  if (pool.worker.config().server_long_cancel_keys) request.version = wire::kProtocol32;
  if (!is_forced(pool, database)) request.proven = pool.ledger->facts.proven_keys();
  return request;
}

void log_connected(const Server& server) {
  if (!server.worker.config().log_connections) return;
  const std::string name = log_name(server);
  if (server.address.is_unix()) {
    log::info("{} new connection to server", name);
  } else {
    log::info("{} new connection to server (from {})", name, server.stream.local().text());
  }
}

session::ParameterSetRef settable(Worker& worker, const ServerParameters& parameters) {
  session::ParameterSet::Values values;
  for (const auto& [name, value] : parameters) {
    if (session::is_settable_parameter(name)) values.emplace_back(name, value);
  }
  return worker.parameters.intern(std::move(values));
}

// A pool opens one server after the other: it shall not wait for a host for longer than it takes to
// find that it is down.
Micros patience(const PoolShard& pool) {
  const config::Config& config = pool.worker.config();
  if (!pool.cluster()) return config.server_connect_timeout;
  const Micros to_be_down =
      config.health_check_fall * std::max(config.health_check_timeout, kShortestPatience);
  const Micros usual = config.server_connect_timeout;
  return usual > 0 ? std::min(usual, to_be_down) : to_be_down;
}

// What was true when the host was checked may be so no longer.
void check_role(const PoolShard& pool, const ServerParameters& parameters) {
  if (!pool.cluster()) return;
  const config::TargetSession target = pool.cluster()->wish.target;
  const bool is_primary_wanted =
      target == config::TargetSession::primary || target == config::TargetSession::read_write;
  const bool is_standby_wanted =
      target == config::TargetSession::standby || target == config::TargetSession::read_only;
  for (const auto& [name, value] : parameters) {
    if (name != "in_hot_standby") continue;
    if (is_primary_wanted && value == "on") throw ConnectFailure("it has become a standby");
    if (is_standby_wanted && value == "off") throw ConnectFailure("it has become a primary");
  }
}

// Whoever waits for longer than it takes a host that is well has it checked.
void suspect_slow(PoolShard& pool, const route::HostClaim& claim, io::Timer& timer) {
  if (!claim.entry()) return;
  timer.start(pool.worker.config().health_check_fast_interval,
              [&pool, host = claim.entry()] { pool.worker.shared.hosts.alarm(host); });
}

// Connects. The claim's owner is known to the entry.
io::Task<io::Stream> reach(PoolShard& pool, LoginEntry& entry, io::Address address,
                           Micros timeout) {
  Worker& worker = pool.worker;
  const bool is_checked = entry.claim->entry() != nullptr;
  const io::TcpOptions options =
      is_checked ? checked_tcp_options(worker.config()) : tcp_options(worker.config());
  io::Deadline deadline(worker.loop, timeout, "connect failed");
  entry.opening = &deadline;
  struct Leave {
    LoginEntry& entry;
    ~Leave() { entry.opening = nullptr; }
  };
  const Leave leave{entry};
  io::Stream stream = co_await io::connect(worker.loop, address, deadline, &worker.tasks, options);
  co_return stream;
}

// Fills the outcome, so that what was opened is closed by its owner whatever is thrown.
io::Task<void> open(PoolShard& pool, Slot slot, Outcome& outcome) {
  Worker& worker = pool.worker;
  const auto database = route::find_database(worker.config(), pool.database_name());
  if (!database) throw PgError(fmt::format("no such database: {}", pool.database_name()));
  const uint32_t epoch = pool.ledger->database->epoch.load();
  const uint32_t closings = pool.ledger->closings.load();
  const Micros timeout = patience(pool);
  LoginEntry entry(worker, LoginEntry::Stage::opening, worker.shared.next_id.fetch_add(1),
                   worker.now());
  entry.replication = outcome.replication;
  entry.user = &pool.user_name();
  entry.database = &pool.database_name();
  entry.pool = &pool;
  Destination to = next_host(pool, *database);
  outcome.host = to.claim.entry();
  io::Timer slow(worker.loop);
  suspect_slow(pool, to.claim, slow);
  const std::string host = to.host;
  const io::Address address = co_await find_address(pool, to, timeout);
  entry.address = &address;
  outcome.where = "@" + address.text();
  entry.claim = &to.claim;
  io::Stream stream = co_await reach(pool, entry, address, timeout);
  auto server =
      std::make_unique<Server>(worker, std::move(stream), pool, std::move(slot), entry.id);
  entry.stream = &server->stream;
  const std::shared_ptr<const config::Config> began_with = worker.snapshot().config;
  server->address = address;
  server->host = host;
  server->claim = std::move(to.claim);
  entry.claim = &server->claim;
  server->is_makeshift = to.is_makeshift;
  server->epoch = epoch;
  server->closings = closings;
  log_connected(*server);
  io::Deadline deadline(worker.loop, timeout, server->stream, "connect timeout");
  const io::CloseLink link(worker.tasks, server->stream);
  entry.opening = &deadline;
  co_await encrypt_server(worker, server->stream, host);
  if (server->stream.tls() && worker.config().log_connections) {
    log::info("{} SSL established: {}", log_name(*server), server->stream.tls()->description());
  }
  pg::LoginRequest request = make_request(pool, *database);
  for (wire::Parameter& parameter : outcome.startup)
    request.startup.push_back(std::move(parameter));
  if (server->stream.tls()) request.channel_binding = server->stream.tls()->channel_binding();
  pg::LoginResult login =
      co_await pg::log_in(server->stream, std::move(request), worker.server_keys);
  check_role(pool, login.parameters);
  server->key.pid = login.pid;
  server->key.secret = login.cancel_secret;
  server->view.parameters = server->view.reported = settable(worker, login.parameters);
  server->view.settings =
      session::SettingsJournal(connect_settings(worker, *database, *server->view.reported));
  server->replication = outcome.replication;
  // Made under settings that no longer hold.
  server->close_needed = !same_server_tls(*began_with, worker.config());
  outcome.parameters = std::move(login.parameters);
  outcome.server = std::move(server);
}

// Memory, or ports for one more connection to that address.
bool is_local_shortage(int error) noexcept {
  return error == ENOMEM || error == ENOBUFS || error == EADDRNOTAVAIL;
}

// Clients are better told at once that the process is out of descriptors than kept waiting.
Failure failed_by(const SystemError& error) {
  if (io::is_out_of_descriptors(error.code().value())) {
    return {{wire::sqlstate::kTooManyConnections, kNoDescriptors, true}, error.what(), true};
  }
  const bool is_ours = is_local_shortage(error.code().value());
  return {{wire::sqlstate::kProtocolViolation, "connect failed", is_ours}, error.what(), false};
}

io::Task<std::optional<Failure>> try_open(PoolShard& pool, Slot slot, Outcome& outcome) {
  std::optional<Failure> failed;
  try {
    co_await open(pool, std::move(slot), outcome);
  } catch (const pg::ServerRefusal& refusal) {
    const bool starting = refusal.sqlstate() == wire::sqlstate::kCannotConnectNow ||
                          (outcome.host && refusal.sqlstate() == wire::sqlstate::kAdminShutdown);
    failed = Failure{{refusal.sqlstate(), refusal.what()}, "", !starting};
  } catch (const PgError& error) {
    failed = Failure{{error.sqlstate(), error.what()}, "", true};
  } catch (const ConnectFailure& error) {
    failed = Failure{{wire::sqlstate::kProtocolViolation, error.what()}, "", false};
  } catch (const io::TlsError& error) {
    failed = Failure{{wire::sqlstate::kProtocolViolation, error.what()}, "", false};
  } catch (const TimedOut& error) {
    failed = Failure{{wire::sqlstate::kProtocolViolation, error.what()}, "", false};
  } catch (const SystemError& error) {
    failed = failed_by(error);
  } catch (const std::exception& error) {
    failed = Failure{{wire::sqlstate::kProtocolViolation, "connect failed"}, error.what(), false};
  }
  // What it said to a login says nothing of its health, unless it was not ready for one.
  const bool is_alarming = failed && !failed->tell_waiters && !failed->failure.is_ours;
  if (is_alarming && outcome.host) pool.worker.shared.hosts.alarm(outcome.host);
  co_return failed;
}

}  // namespace

io::Task<void> dial(PoolShard& pool, Slot slot) {
  Outcome outcome;
  auto failed = co_await try_open(pool, std::move(slot), outcome);
  if (failed) {
    leave_host(pool);
    const std::string detail = failed->detail.empty() ? "" : ": " + failed->detail;
    log::warning("S: {}/{}{} closing because: {}{} (age=0s)", pool.database_name(),
                 pool.user_name(), outcome.where, failed->failure.message, detail);
    pool.dial_failed(failed->failure, failed->tell_waiters);
    co_return;
  }
  pool.server_opened(std::move(outcome.server), std::move(outcome.parameters));
}

io::Task<OwnServer> dial_own(PoolShard& pool, Slot slot, Replication replication,
                             std::vector<wire::Parameter> startup) {
  Outcome outcome;
  outcome.replication = replication;
  outcome.startup = std::move(startup);
  const auto failed = co_await try_open(pool, std::move(slot), outcome);
  if (failed) {
    leave_host(pool);
    const std::string name =
        fmt::format("S: {}/{}{}", pool.database_name(), pool.user_name(), outcome.where);
    log::warning("{} {} {}", name, failed->failure.message, failed->detail);
    log::info("{} closing because: login failed (age=0s)", name);
    throw PgError("login failed");
  }
  OwnServer own;
  own.server = std::move(outcome.server);
  own.parameters = std::move(outcome.parameters);
  co_return own;
}

}  // namespace remuda::proxy
