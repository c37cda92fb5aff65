#include "proxy/greet.h"

#include <fmt/core.h>

#include <algorithm>

#include "io/deadline.h"
#include "proxy/client.h"
#include "proxy/connect_settings.h"
#include "proxy/login_entry.h"
#include "proxy/pool_shard.h"
#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "proxy/version.h"
#include "proxy/worker.h"
#include "remuda/session/setting_change.h"
#include "remuda/wire/builder.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

// Whether all its servers are of one role. Where they are not, a client that must know has to ask.
bool is_constant_role(const PoolShard& pool) {
  const auto database = route::find_database(pool.worker.config(), pool.database_name());
  if (!pool.cluster()) return database && database->hosts.size() < 2;
  const config::TargetSession target = pool.cluster()->wish.target;
  return target != config::TargetSession::any && target != config::TargetSession::prefer_standby;
}

// ParameterStatus messages: what the server told, with the client's own values in place; then ours.
std::string greeting_parameters(const PoolShard& pool, const ServerParameters& greeting,
                                const Admission& admission, const config::Config& config) {
  const auto own_value = [&](const std::string& name) -> const std::string* {
    const std::string* found = nullptr;
    for (const auto& [key, value] : admission.parameters) {
      if (session::same_name(key, name)) found = &value;
    }
    return found;
  };
  std::string out;
  for (const auto& [name, value] : greeting) {
    if (name == "in_hot_standby" && !is_constant_role(pool)) continue;
    const std::string* own = own_value(name);
    wire::parameter_status(out, name, own ? *own : value);
  }
  wire::parameter_status(out, "pgbouncer.version", kPgBouncerVersion);
  wire::parameter_status(out, "pgbouncer.pool_mode", config::to_text(pool.settings.mode));
  wire::parameter_status(out, "pgbouncer.max_prepared_statements",
                         std::to_string(config.max_prepared_statements));
  return out;
}

session::ParameterSetRef reported_parameters(Worker& worker, const ServerParameters& greeting) {
  session::ParameterSet::Values values;
  for (const auto& [name, value] : greeting) {
    if (session::is_settable_parameter(name)) values.emplace_back(name, value);
  }
  return worker.parameters.intern(std::move(values));
}

// What the client asked for in its start-up packet: in the place of the server's values, and what
// servers do not report among its settings.
void take_startup_values(session::ClientView& view, const session::ParameterSetRef& reported,
                         const Admission& admission) {
  view.parameters = reported;
  for (const auto& [name, value] : admission.parameters) {
    const bool is_setting = view.follows_settings() && !reported->find(name);
    if (!is_setting) view.parameters = view.parameters.with(name, value);
  }
  if (!view.follows_settings()) return;
  const session::TextRules rules = session::text_rules(*view.parameters);
  for (const auto& [name, value] : admission.parameters) {
    if (reported->find(name)) continue;
    const session::SettingChange change = session::setting_assignment(name, value, rules);
    view.startup_settings = view.startup_settings.with(change.name, change.sql);
  }
  view.settings = view.startup_settings;
}

// Null where settings do not follow the client.
session::ParameterSetRef settings_of_new(Worker& worker, const PoolShard& pool,
                                         session::Release release,
                                         const session::ParameterSet& reported) {
  const bool is_on = worker.config().track_session_settings == config::TrackSettings::on;
  if (!is_on || release == session::Release::session) return {};
  const auto database = route::find_database(worker.config(), pool.database_name());
  if (!database) return worker.parameters.empty_set();
  return connect_settings(worker, *database, reported);
}

session::Release release_of(config::PoolMode mode) {
  if (mode == config::PoolMode::session) return session::Release::session;
  return mode == config::PoolMode::transaction ? session::Release::transaction
                                               : session::Release::statement;
}

// `own`: the server that it keeps, or null.
void make_client(Worker& worker, PoolShard& pool, const ServerParameters& greeting,
                 io::Stream stream, Admission& admission, std::unique_ptr<Server> own) {
  const config::Config& config = worker.config();
  // Owned by the pool's list until it closes.
  Client& client =
      *new Client(worker, std::move(stream), pool, std::move(admission.places), admission.id);
  admission.seat.take();
  client.connect_time = admission.login_started;
  client.view.release = own ? session::Release::session : release_of(pool.settings.mode);
  client.view.simple_query_allowed = !config.disable_pqexec;
  const session::ParameterSetRef reported = reported_parameters(worker, greeting);
  client.view.startup_settings = settings_of_new(worker, pool, client.view.release, *reported);
  take_startup_values(client.view, reported, admission);
  client.unproven_values = !admission.parameters.empty();
  worker.keys.issue(client, admission.has_long_keys);
  std::string out;
  wire::authentication_ok(out);
  out += greeting_parameters(pool, greeting, admission, config);
  const CancelKey shown = worker.shared.peer_keys.issue(config.peer_id, client.key);
  wire::backend_key_data(out, shown.pid, secret_bytes(shown));
  if (!config.login_notify_message.empty()) {
    wire::notice_response(out, config.login_notify_message);
  }
  wire::ready_for_query(out, 'I');
  ++pool.stats.now.client_logins;
  pool.clients.push_back(client);
  if (own) pool.give_own(client, std::move(own));
  client.stream.write(out);
  client.stream.start(client);
  if (worker.ends_clients() && !client.closing && end_if_free(client)) return;
  if (worker.suspension() != Suspension::none && !client.closing) update_reading(client);
  if (client.server && !client.closing) client.server->stream.start(*client.server);
}

// It has set all that the client asked for itself, and says so.
io::Task<void> greet_with_own(Worker& worker, PoolShard& pool, io::Stream& stream,
                              Admission& admission, io::Deadline& deadline) {
  OwnServer own = co_await open_own_server(pool, admission, deadline);
  admission.parameters.clear();
  make_client(worker, pool, own.parameters, std::move(stream), admission, std::move(own.server));
}

io::Task<void> greet_over(Worker& worker, io::Stream& stream, Admission& admission) {
  PoolShard& pool = worker.shard(admission.database, admission.pool_user);
  // Before a server is opened for it. What others than the pool's own user bring is not for its
  // servers.
  if (admission.user == admission.pool_user) {
    pool.ledger->facts.learn(admission.keys, std::move(admission.secret));
  }
  const Micros timeout = worker.config().client_login_timeout;
  const Micros spent = worker.now() - admission.login_started;
  const Micros left = timeout == 0 ? 0 : std::max<Micros>(timeout - spent, 1);
  io::Deadline deadline(worker.loop, left, "client_login_timeout (server down)");
  LoginEntry entry(worker, LoginEntry::Stage::queued, admission.id, admission.login_started);
  entry.replication = admission.replication;
  entry.user = &admission.user;
  entry.database = &admission.database;
  for (const auto& [name, value] : admission.parameters) {
    if (session::same_name(name, "application_name")) entry.application_name = &value;
  }
  entry.pool = &pool;
  entry.stream = &stream;
  entry.deadline = &deadline;
  if (admission.replication != Replication::none) {
    co_await greet_with_own(worker, pool, stream, admission, deadline);
    co_return;
  }
  const PoolShard::Greeting greeting = co_await pool.await_greeting(deadline);
  make_client(worker, pool, *greeting, std::move(stream), admission, nullptr);
}

}  // namespace

io::Task<void> greet(Worker& worker, io::Stream stream, Admission admission) {
  const std::string name =
      fmt::format("C-{:#014x}: {}/{}", admission.id, admission.database, admission.user);
  const Snapshot held = worker.snapshot();
  const Micros started = admission.login_started;
  try {
    co_await greet_over(worker, stream, admission);
  } catch (const PgError& error) {
    refuse(stream, name, error, worker.now() - started, *held.config);
  } catch (const TimedOut& timeout) {
    refuse(stream, name, PgError(timeout.what()), worker.now() - started, *held.config);
  } catch (const std::exception& error) {
    log_lost(name, error.what(), worker.now() - started, *held.config);
  }
}

}  // namespace remuda::proxy
