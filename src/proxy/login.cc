#include "proxy/login.h"

#include <fmt/core.h>

#include <algorithm>

#include "auth/authenticator.h"
#include "io/deadline.h"
#include "pg/message_stream.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/peer_name.h"
#include "proxy/placement.h"
#include "proxy/relay.h"
#include "proxy/startup_parameters.h"
#include "proxy/version.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/startup.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

constexpr int kMostRequests = 4;  // SSL and GSS requests before the start-up packet

// One login in progress. Everything here is gone when the login ends.
struct Login {
  Login(Worker& w, io::FileDescriptor fd)
      : worker(w),
        started(w.now()),
        id(w.shared.next_id.fetch_add(1)),
        stream(io::Stream::adopt(w.loop, std::move(fd))) {
    worker.count_login(1);
  }
  ~Login() { worker.count_login(-1); }

  std::string name() const {
    const std::string user = parameters.user.empty() ? "(nouser)" : parameters.user;
    const std::string database = parameters.database.empty() ? "(nodb)" : parameters.database;
    return fmt::format("C-{:#014x}: {}/{}@{}", id, database, user, peer);
  }

  Worker& worker;
  const Micros started;
  const uint64_t id;
  io::Stream stream;
  std::string peer;
  std::string inbox;  // raw bytes before the start-up packet is complete
  StartupParameters parameters;
  uint16_t minor = 0;
  bool is_cancel = false;
};

io::Task<wire::StartupPacket> next_packet(Login& login) {
  char buffer[2048];
  while (true) {
    wire::StartupParse parse = wire::parse_startup(login.inbox);
    if (parse.status == wire::StartupParse::Status::malformed) throw PgError(parse.error);
    if (parse.status == wire::StartupParse::Status::packet) {
      login.inbox.erase(0, parse.consumed);
      co_return std::move(parse.packet);
    }
    const size_t n = co_await login.stream.read_some(buffer, sizeof buffer);
    login.inbox.append(buffer, n);
  }
}

// Answers requests for encryption until the real packet comes.
io::Task<wire::StartupPacket> first_packet(Login& login) {
  for (int i = 0; i < kMostRequests; ++i) {
    wire::StartupPacket packet = co_await next_packet(login);
    const bool ssl = std::holds_alternative<wire::SslRequest>(packet);
    if (!ssl && !std::holds_alternative<wire::GssencRequest>(packet)) co_return packet;
    if (!login.inbox.empty()) {
      throw PgError(fmt::format("received unencrypted data after {} request",
                                ssl ? "SSL" : "GSSAPI encryption"));
    }
    login.stream.write("N");
  }
  throw PgError("too many encryption requests");
}

Place take_place(Budget& budget, const char* refusal) {
  if (!budget.take()) throw PgError(refusal);
  return Place(budget);
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_own_unix_user(const io::Stream& stream) {
  if (!stream.is_unix()) return false;
  const io::PeerAddress peer = stream.peer();
  return peer.has_credentials && peer.uid == ::geteuid();
}

void log_attempt(const Login& login) {
  if (!login.worker.config().log_connections) return;
  log::info("{} login attempt: db={} user={} tls=no replication=no", login.name(),
            login.parameters.database, login.parameters.user);
}

io::Task<std::optional<pg::ProvenKeys>> prove(Login& login, pg::MessageStream& messages) {
  const Worker& worker = login.worker;
  const config::Config& config = worker.config();
  auth::Candidate candidate;
  candidate.user = login.parameters.user;
  candidate.secret = worker.snapshot().users->find(candidate.user);
  candidate.is_known = candidate.secret || config.users.contains(candidate.user);
  auth::AuthContext context{login.worker.loop, login.worker.crypto, login.worker.scram_secrets,
                            worker.shared.process_secret, config.scram_iterations};
  // The snapshot may be replaced by a reload while we wait; the secret must outlive that.
  const Snapshot held = worker.snapshot();
  co_return co_await auth::authenticate(messages, config.auth_type, candidate, context);
}

void negotiate(Login& login) {
  if (login.minor == 0 && login.parameters.extensions.empty()) return;
  std::string out;
  wire::negotiate_protocol_version(out, wire::kProtocol3, login.parameters.extensions);
  login.stream.write(out);
}

struct Target {
  bool is_console = false;
  bool is_admin = false;
  bool needs_proof = true;
  std::optional<config::Database> database;
};

// Who may come near the console is settled before any password is asked.
Target find_target(Login& login) {
  const config::Config& config = login.worker.config();
  const StartupParameters& asked = login.parameters;
  Target target;
  target.is_admin = contains(config.admin_users, asked.user);
  target.is_console = route::is_console(asked.database);
  if (!target.is_console) {
    target.database = route::find_database(config, asked.database);
    return target;
  }
  if ((asked.user == "pgbouncer" || asked.user == "remuda") && is_own_unix_user(login.stream)) {
    log::info("{} pgbouncer access from unix socket", login.name());
    target.is_admin = true;
    target.needs_proof = false;
  } else if (!target.is_admin && config.auth_type != config::AuthType::any &&
             !contains(config.stats_users, asked.user)) {
    throw PgError("not allowed");
  }
  return target;
}

void take_database_place(Login& login, Places& places) {
  places.database = login.worker.shared.ledgers.database(login.parameters.database);
  places.in_database = take_place(
      places.database->clients, "client connections exceeded (max_db_client_connections)");
}

void take_user_place(Login& login, Places& places) {
  places.user = login.worker.shared.ledgers.user(login.parameters.user);
  places.of_user =
      take_place(places.user->clients, "client connections exceeded (max_user_client_connections)");
}

bool is_known_user(const Worker& worker, const std::string& name) {
  return worker.snapshot().users->find(name) || worker.config().users.contains(name);
}

// Limits are counted from the start of a login, but a name that only a stranger has uttered leaves
// no trace: it has its place taken after it has proved itself.
Places take_places(Login& login, const Target& target) {
  const Worker& worker = login.worker;
  Places places;
  if (!target.is_console) {
    places.in_process = take_place(login.worker.shared.ledgers.clients(),
                                   "no more connections allowed (max_client_conn)");
    if (worker.config().databases.contains(login.parameters.database)) {
      take_database_place(login, places);
    }
  }
  const bool is_limited = !target.is_console || !target.is_admin;
  if (is_limited && is_known_user(worker, login.parameters.user)) take_user_place(login, places);
  return places;
}

void take_missing_places(Login& login, const Target& target, Places& places) {
  if (!target.is_console && !places.database) take_database_place(login, places);
  if (places.user) return;
  if (target.is_console) {
    places.user = login.worker.shared.ledgers.user(login.parameters.user);
  } else {
    take_user_place(login, places);
  }
}

void check_target(const Login& login, const Target& target) {
  const std::string& name = login.parameters.database;
  if (login.worker.shared.shutdown != Shutdown::none && !target.is_console) {
    throw PgError("pooler is shutting down");
  }
  if (target.is_console) return;
  if (!target.database) throw PgError("no such database: " + name);
  const auto ledger = login.worker.shared.ledgers.find_database(name);
  if (ledger && ledger->disabled) {
    throw PgError(fmt::format("database \"{}\" is disabled", name));
  }
  if (login.worker.config().auth_type == config::AuthType::any && !target.database->user) {
    throw PgError("bouncer config error");
  }
}

void send_admission(Worker& from, Admission admission) {
  Worker& home = home_of(from.shared, admission.database, admission.pool_user);
  if (&home == &from) return from.admit(std::move(admission));
  home.post([&home, admission = std::move(admission)]() mutable {
    home.admit(std::move(admission));
  });
}

io::Task<void> serve(Login& login) {
  Worker& worker = login.worker;
  wire::StartupPacket packet = co_await first_packet(login);
  if (auto* cancel = std::get_if<wire::CancelRequest>(&packet)) {
    login.is_cancel = true;
    wire::CancelRequest request = *cancel;
    co_await forward_cancel(worker, request);
    co_return;
  }
  const auto& startup = std::get<wire::Startup>(packet);
  login.minor = startup.minor;
  login.parameters = read_parameters(startup, worker.config());
  const Target target = find_target(login);
  Admission admission;
  admission.places = take_places(login, target);
  negotiate(login);
  log_attempt(login);
  pg::MessageStream messages(login.stream);
  messages.prepend(login.inbox);
  if (target.needs_proof) {
    auto proven = co_await prove(login, messages);
    admission.proven = std::move(proven);
  }
  check_target(login, target);
  take_missing_places(login, target, admission.places);
  admission.database = login.parameters.database;
  admission.user = login.parameters.user;
  admission.parameters = std::move(login.parameters.tracked);
  admission.login_started = login.started;
  admission.id = login.id;
  admission.is_admin = target.is_admin;
  const std::string unread = messages.take_rest();
  admission.parcel = std::move(login.stream).detach();
  admission.parcel.unread = unread;
  if (target.is_console) {
    worker.shared.admit_console(std::move(admission));
    co_return;
  }
  admission.pool_user = route::pool_user(*target.database, admission.user);
  send_admission(worker, std::move(admission));
}

void refuse(io::Stream& stream, const std::string& name, const PgError& error, Micros age,
            const config::Config& config) {
  if (config.log_pooler_errors) log::warning("{} pooler error: {}", name, error.what());
  if (config.log_disconnections) {
    log::info("{} closing because: {} (age={}s)", name, error.what(), age / kSecond);
  }
  std::string out;
  wire::error_response(out, "FATAL", error.sqlstate(), error.what());
  stream.write(out);
  stream.flush_and_close();
}

void log_lost(const std::string& name, const char* why, Micros age, const config::Config& config) {
  if (config.log_disconnections) {
    log::info("{} closing because: {} (age={}s)", name, why, age / kSecond);
  }
}

}  // namespace

io::Task<void> log_in(Worker& worker, io::FileDescriptor fd) {
  Login login(worker, std::move(fd));
  const Snapshot held = worker.snapshot();
  const config::Config& config = *held.config;
  try {
    login.peer = peer_name(login.stream, config.listen_port);
    io::Deadline deadline(worker.loop, config.client_login_timeout, login.stream,
                          "client_login_timeout");
    const io::CloseLink link(worker.tasks, login.stream);
    co_await serve(login);
  } catch (const PgError& error) {
    refuse(login.stream, login.name(), error, worker.now() - login.started, config);
  } catch (const TimedOut& timeout) {
    refuse(login.stream, login.name(), PgError(timeout.what()), worker.now() - login.started, config);
  } catch (const std::exception&) {
    // Somebody who only knocked, such as a port check, is not worth a line.
    const bool knocked = login.parameters.user.empty() && login.inbox.empty();
    if (!knocked && !login.is_cancel) {
      log_lost(login.name(), "client unexpected eof", worker.now() - login.started, config);
    }
  }
}

namespace {

// ParameterStatus messages: what the server told, with the client's own values in place; then ours.
std::string greeting_parameters(const PoolShard& pool, const Admission& admission,
                                const config::Config& config) {
  const auto own_value = [&](const std::string& name) -> const std::string* {
    const std::string* found = nullptr;
    for (const auto& [key, value] : admission.parameters) {
      if (session::same_name(key, name)) found = &value;
    }
    return found;
  };
  std::string out;
  for (const auto& [name, value] : *pool.greeting()) {
    const std::string* own = own_value(name);
    wire::parameter_status(out, name, own ? *own : value);
  }
  wire::parameter_status(out, "pgbouncer.version", kPgBouncerVersion);
  wire::parameter_status(out, "pgbouncer.pool_mode", config::to_text(pool.settings.mode));
  wire::parameter_status(out, "pgbouncer.max_prepared_statements",
                         std::to_string(config.max_prepared_statements));
  return out;
}

session::ParameterSetRef initial_parameters(Worker& worker, const PoolShard& pool,
                                            const Admission& admission) {
  session::ParameterSet::Values values;
  for (const auto& [name, value] : *pool.greeting()) {
    if (session::is_settable_parameter(name)) values.emplace_back(name, value);
  }
  // The server's spelling of a name is kept, so that equal sets are one set.
  for (const auto& [name, value] : admission.parameters) {
    std::string spelling = name;
    for (const auto& [known, unused] : values) {
      if (session::same_name(known, name)) spelling = known;
    }
    values.emplace_back(spelling, value);
  }
  return worker.parameters.intern(std::move(values));
}

session::Release release_of(config::PoolMode mode) {
  if (mode == config::PoolMode::session) return session::Release::session;
  return mode == config::PoolMode::transaction ? session::Release::transaction
                                               : session::Release::statement;
}

void make_client(Worker& worker, PoolShard& pool, io::Stream stream, Admission& admission) {
  const config::Config& config = worker.config();
  // Owned by the pool's list until it closes.
  Client& client = *new Client(worker, std::move(stream), pool, std::move(admission.places),
                               admission.id);
  client.connect_time = admission.login_started;
  client.view.release = release_of(pool.settings.mode);
  client.view.simple_query_allowed = !config.disable_pqexec;
  client.view.parameters = initial_parameters(worker, pool, admission);
  client.unproven_values = !admission.parameters.empty();
  if (admission.proven) pool.proven_keys = admission.proven;
  worker.issue_key(client);
  std::string out;
  wire::authentication_ok(out);
  out += greeting_parameters(pool, admission, config);
  char secret[4];
  store_u32(secret, client.key.secret);
  wire::backend_key_data(out, client.key.pid, {secret, sizeof secret});
  if (!config.login_notify_message.empty()) {
    wire::notice_response(out, "NOTICE", SqlState("00000"), config.login_notify_message);
  }
  wire::ready_for_query(out, 'I');
  ++pool.stats.now.client_logins;
  pool.clients.push_back(client);
  client.stream.write(out);
  client.stream.start(client);
}

io::Task<void> greet_over(Worker& worker, io::Stream& stream, Admission& admission) {
  PoolShard& pool = worker.shard(admission.database, admission.pool_user);
  // The admission may be what keeps a pool alive that has nobody else.
  const Micros timeout = worker.config().client_login_timeout;
  const Micros spent = worker.now() - admission.login_started;
  const Micros left = timeout == 0 ? 0 : std::max<Micros>(timeout - spent, 1);
  io::Deadline deadline(worker.loop, left, "client_login_timeout (server down)");
  co_await pool.await_greeting(deadline);
  make_client(worker, pool, std::move(stream), admission);
}

}  // namespace

io::Task<void> greet(Worker& worker, Admission admission) {
  const std::string name = fmt::format("C-{:#014x}: {}/{}", admission.id, admission.database,
                                       admission.user);
  io::Stream stream = io::Stream::adopt(worker.loop, std::move(admission.parcel));
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
