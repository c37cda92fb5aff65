#include "proxy/login.h"

#include <fmt/core.h>
#include <unistd.h>

#include "pg/message_stream.h"
#include "proxy/admission.h"
#include "proxy/cancel.h"
#include "proxy/first_packet.h"
#include "proxy/login_attempt.h"
#include "proxy/placement.h"
#include "proxy/prove.h"
#include "proxy/refusal.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "remuda/base/text.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

Place take_place(Budget& budget, const char* refusal) {
  if (!budget.take()) throw PgError(refusal);
  return Place(budget);
}

bool is_own_unix_user(const io::Stream& stream) {
  if (!stream.is_unix()) return false;
  const io::PeerAddress peer = stream.peer();
  return peer.has_credentials && peer.uid == ::geteuid();
}

void log_attempt(const LoginAttempt& login) {
  if (!login.config().log_connections) return;
  const io::TlsSession* tls = login.stream.tls();
  const Replication asked = login.parameters.replication;
  log::info("{} login attempt: db={} user={} tls={} replication={}", login.name(),
            login.parameters.database, login.parameters.user, tls ? tls->description() : "no",
            asked == Replication::none      ? "no"
            : asked == Replication::logical ? "database"
                                            : "yes");
}

// Settles for a version that both know, and tells what of the request is not to be had.
void negotiate(LoginAttempt& login, uint16_t minor) {
  login.version = wire::best_version(minor);
  const bool is_granted = login.version == (wire::kProtocol3 | minor);
  if (is_granted && login.parameters.extensions.empty()) return;
  std::string out;
  wire::negotiate_protocol_version(out, login.version, login.parameters.extensions);
  login.stream.write(out);
}

// Who may come near the console is settled before any password is asked.
LoginTarget find_target(LoginAttempt& login) {
  const config::Config& config = login.config();
  const StartupParameters& asked = login.parameters;
  LoginTarget target;
  target.is_admin = contains(config.admin_users, asked.user);
  target.is_console = config::is_console(asked.database);
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

constexpr const char* kDatabaseFull = "client connections exceeded (max_db_client_connections)";

void take_database_place(LoginAttempt& login, Places& places) {
  places.database = login.worker.shared.ledgers.database(login.parameters.database);
  places.in_database = take_place(places.database->clients, kDatabaseFull);
}

void take_user_place(LoginAttempt& login, Places& places) {
  places.user = login.worker.shared.ledgers.user(login.parameters.user);
  places.of_user =
      take_place(places.user->clients, "client connections exceeded (max_user_client_connections)");
}

bool is_known_user(const Worker& worker, const std::string& name) {
  return worker.snapshot().users->find(name) || worker.config().users.contains(name);
}

// Limits are counted from the start of a login, but a name that only a stranger has uttered leaves
// no trace: it has its place taken after it has proved itself.
Places take_places(LoginAttempt& login, const LoginTarget& target) {
  const Worker& worker = login.worker;
  Ledgers& ledgers = worker.shared.ledgers;
  Places places;
  if (target.is_console) {
    if (!target.is_admin) places.in_database = take_place(ledgers.consoles(), kDatabaseFull);
  } else {
    places.in_process =
        take_place(ledgers.clients(), "no more connections allowed (max_client_conn)");
    if (worker.config().databases.contains(login.parameters.database)) {
      take_database_place(login, places);
    }
  }
  const bool is_limited = !target.is_console || !target.is_admin;
  if (is_limited && is_known_user(worker, login.parameters.user)) take_user_place(login, places);
  return places;
}

void take_missing_places(LoginAttempt& login, const LoginTarget& target, Places& places) {
  if (!target.is_console && !places.database) take_database_place(login, places);
  if (places.user && places.user->name == login.parameters.user) return;
  if (target.is_console) {
    places.user = login.worker.shared.ledgers.user(login.parameters.user);
  } else {
    take_user_place(login, places);
  }
}

// auth_query may spell the name otherwise than the client: both must then be allowed.
void check_console_user(const LoginAttempt& login, LoginTarget& target, const std::string& user) {
  if (!target.is_console || user == login.parameters.user) return;
  target.is_admin = target.is_admin && contains(login.config().admin_users, user);
  if (!target.is_admin && !contains(login.config().stats_users, user)) throw PgError("not allowed");
}

void check_target(const LoginAttempt& login, const LoginTarget& target) {
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
  if (login.config().auth_type == config::AuthType::any && !target.database->user) {
    throw PgError("bouncer config error");
  }
}

// On to a home of the pool, or to the console.
void send_admission(LoginAttempt& login, const LoginTarget& target, Admission admission) {
  Worker& from = login.worker;
  Worker* home = nullptr;
  if (!target.is_console) {
    admission.seat =
        Seat(from.shared, from.shared.ledgers.pool(admission.database, admission.pool_user));
    home = from.shared.workers[static_cast<size_t>(admission.seat.worker())];
  }
  if (home == &from) return from.admit(std::move(login.stream), std::move(admission));
  admission.parcel = std::move(login.stream).detach(from.shared.highest_client_fd);
  if (home == nullptr) return from.shared.admit_console(std::move(admission));
  home->post(
      [home, admission = std::move(admission)]() mutable { home->admit(std::move(admission)); });
}

void require_encryption(const LoginAttempt& login) {
  const bool required = login.config().client_tls_sslmode >= config::TlsMode::require;
  if (required && !login.stream.is_unix() && login.stream.tls() == nullptr) {
    throw PgError("SSL required");
  }
}

Admission make_admission(LoginAttempt& login, const LoginTarget& target, Proof& proof,
                         Places places) {
  Admission admission;
  admission.places = std::move(places);
  admission.database = login.parameters.database;
  admission.user = proof.user;
  admission.keys = std::move(proof.keys);
  admission.secret = std::move(proof.secret);
  if (login.config().application_name_add_host) {
    add_host(login.parameters.tracked, login.peer);
  }
  admission.parameters = std::move(login.parameters.tracked);
  admission.options = std::move(login.parameters.options);
  admission.replication = login.parameters.replication;
  admission.has_long_keys = login.version == wire::kProtocol32;
  admission.login_started = login.started;
  admission.id = login.id;
  admission.is_admin = target.is_admin;
  return admission;
}

io::Task<void> admit(LoginAttempt& login, const wire::Startup& startup) {
  login.parameters = read_parameters(startup, login.config());
  LoginTarget target = find_target(login);
  Places places = take_places(login, target);
  negotiate(login, startup.minor);
  log_attempt(login);
  pg::MessageStream messages(login.stream);
  messages.prepend(login.inbox);
  Proof proof = co_await prove(login, messages, target);
  check_console_user(login, target, proof.user);
  login.parameters.user = proof.user;
  check_target(login, target);
  take_missing_places(login, target, places);
  Admission admission = make_admission(login, target, proof, std::move(places));
  // Only a stream without backlog can move, and a client that does not read may have caused one.
  while (login.stream.backlog() > 0) co_await login.stream.drained();
  login.stream.put_back(messages.take_rest());
  if (!target.is_console) {
    admission.pool_user = route::pool_user(*target.database, admission.user);
  }
  send_admission(login, target, std::move(admission));
}

io::Task<void> serve(LoginAttempt& login) {
  const wire::StartupPacket packet = co_await first_packet(login);
  if (const auto* cancel = std::get_if<wire::CancelRequest>(&packet)) {
    login.is_cancel = true;
    wire::CancelRequest request = *cancel;
    co_await forward_cancel(login.worker, request);
    co_return;
  }
  require_encryption(login);
  co_await admit(login, std::get<wire::Startup>(packet));
}

PgError exhaustion(const std::system_error& error) {
  if (!io::is_out_of_descriptors(error.code().value())) {
    return PgError("bouncer resources exhaustion");
  }
  return PgError(wire::sqlstate::kTooManyConnections, kNoDescriptors);
}

// Whatever ends a login early, put into words.
io::Task<void> serve_or_refuse(LoginAttempt& login) {
  const auto lose = [&login](const char* why) {
    log_lost(login.name(), why, login.worker.now() - login.started, login.config());
    login.stream.flush_and_close();
  };
  const auto refuse_with = [&login, &lose](const PgError& error) {
    if (login.in_handshake) return lose(error.what());
    refuse(login.stream, login.name(), error, login.worker.now() - login.started, login.config());
  };
  try {
    const io::CloseLink link(login.worker.tasks, login.stream);
    co_await serve(login);
  } catch (const PgError& error) {
    refuse_with(error);
  } catch (const TimedOut& timeout) {
    refuse_with(PgError(timeout.what()));
  } catch (const io::TlsError& error) {
    lose(error.what());
  } catch (const std::system_error& error) {
    log::error("{} {}", login.name(), error.what());
    refuse_with(exhaustion(error));
  } catch (const Closed& closed) {
    // Somebody who only knocked, such as a port check, is not worth a line.
    const bool knocked = login.parameters.user.empty() && login.inbox.empty();
    if (knocked || login.is_cancel) co_return;
    const bool is_tls = std::string_view(closed.what()).starts_with("TLS");
    lose(is_tls ? closed.what() : "client unexpected eof");
  }
}

}  // namespace

io::Task<void> log_in(Worker& worker, io::FileDescriptor fd) {
  LoginAttempt login(worker, std::move(fd));
  co_await serve_or_refuse(login);
}

}  // namespace remuda::proxy
