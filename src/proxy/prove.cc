#include "proxy/prove.h"

#include <fmt/core.h>

#include "auth/authenticator.h"
#include "auth/ldap.h"
#include "auth/pam.h"
#include "auth/system_user.h"
#include "proxy/auth_query.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"
#include "route/directory.h"

namespace remuda::proxy {
namespace {

using config::AuthType;

[[noreturn]] void fail(const char* text) { throw PgError(text); }

// ---- What is known of the user ---------------------------------------------------------------------

// The database whose auth_query is asked. The console, and a database that does not exist, have
// none of their own.
config::Database asked_database(const LoginTarget& target) {
  if (target.database) return *target.database;
  config::Database none;
  none.name = none.dbname = "pgbouncer";
  return none;
}

bool can_look_up(const LoginAttempt& login, const LoginTarget& target,
                 const config::Database& database) {
  if (!has_auth_query(login.config(), database)) return false;
  return target.database.has_value() || login.config().auth_dbname.has_value();
}

io::Task<LookedUp> look_up(LoginAttempt& login, const config::Database& database, bool refresh) {
  std::string user = login.parameters.user;
  co_return co_await look_up_secret(login.worker, database, user, login.deadline, refresh);
}

// When what was remembered does not fit.
io::Task<std::optional<std::string>> renewed_secret(LoginAttempt& login,
                                                    config::Database database, Proof& proof) {
  const LookedUp found = co_await look_up(login, database, true);
  std::optional<std::string> secret;
  if (found.found) secret = proof.secret = found.secret;
  co_return secret;
}

// From the auth file, or else from auth_query.
io::Task<auth::Candidate> find_candidate(LoginAttempt& login, const LoginTarget& target,
                                         Proof& proof) {
  auth::Candidate candidate;
  candidate.user = login.parameters.user;
  const std::string* stored = login.snapshot.users->find(candidate.user);
  if (stored != nullptr) candidate.secret = *stored;
  candidate.is_known = stored != nullptr || login.config().users.contains(candidate.user);
  const config::Database database = asked_database(target);
  const bool has_secret = stored != nullptr && !stored->empty();
  if (has_secret || !can_look_up(login, target, database)) co_return candidate;
  const LookedUp found = co_await look_up(login, database, false);
  candidate.is_known = found.found;
  candidate.secret.reset();
  if (!found.found) co_return candidate;
  candidate.user = proof.user = found.name;
  candidate.secret = proof.secret = found.secret;
  if (found.may_be_old) {
    candidate.renew = [&login, &proof, database] { return renewed_secret(login, database, proof); };
  }
  co_return candidate;
}

// ---- Methods ---------------------------------------------------------------------------------------

io::Task<void> prove_by_password(LoginAttempt& login, pg::MessageStream& messages,
                                 const LoginTarget& target, AuthType method, Proof& proof) {
  Worker& worker = login.worker;
  auth::Candidate candidate = co_await find_candidate(login, target, proof);
  auth::AuthContext context{worker.loop, worker.crypto, worker.scram_secrets,
                            worker.shared.process_secret, login.config().scram_iterations};
  if (login.stream.tls()) context.channel_binding = login.stream.tls()->channel_binding();
  auto proven = co_await auth::authenticate(messages, method, candidate, context);
  proof.keys = std::move(proven.keys);
  if (!proven.password.empty()) proof.secret = proven.password;
}

// Others than its own checks may be slow to answer, so nothing is asked before the user is known.
io::Task<void> prove_by_certificate(LoginAttempt& login, const LoginTarget& target, Proof& proof) {
  const auth::Candidate candidate = co_await find_candidate(login, target, proof);
  const io::TlsSession* tls = login.stream.tls();
  if (tls != nullptr && candidate.is_known) {
    for (const std::string& name : tls->peer_names()) {
      if (name == candidate.user) co_return;
    }
  }
  fail("certificate authentication failed");
}

std::string peer_host(const io::Stream& stream) {
  return stream.is_unix() ? "" : stream.peer().address.host();
}

// The password goes on to the servers: nothing else opens them.
io::Task<void> prove_by_pam(LoginAttempt& login, pg::MessageStream& messages, Proof& proof) {
  std::string password = co_await auth::ask_password(messages);
  proof.secret = password;
  std::string service = auth::kPamService;
  std::string user = login.parameters.user;
  std::string host = peer_host(login.stream);
  const bool right = co_await auth::pam_check(login.worker.loop, login.worker.directory_checks,
                                              service, user, std::move(password), host);
  if (!right) fail("PAM authentication failed");
}

io::Task<void> prove_by_ldap(LoginAttempt& login, pg::MessageStream& messages,
                             auth::LdapOptions options, Proof& proof) {
  if (!auth::kHasLdap) fail("ldap is not supported by this build");
  std::string password = co_await auth::ask_password(messages);
  proof.secret = password;
  std::string user = login.parameters.user;
  const bool right = co_await auth::ldap_check(login.worker.loop, login.worker.directory_checks,
                                               options, user, std::move(password));
  if (!right) fail("LDAP authentication failed");
}

}  // namespace

Proof::~Proof() { wire::wipe(secret); }

namespace {

io::Task<void> pass(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target,
                    Proof& proof) {
  const AuthType method = login.config().auth_type;
  switch (method) {
    case AuthType::any:
      co_return;
    case AuthType::cert:
      co_await prove_by_certificate(login, target, proof);
      co_return;
    case AuthType::pam:
      co_await prove_by_pam(login, messages, proof);
      co_return;
    case AuthType::ldap: {
      auth::LdapOptions options;
      co_await prove_by_ldap(login, messages, options, proof);
      co_return;
    }
    default:
      co_await prove_by_password(login, messages, target, method, proof);
  }
}

}  // namespace

io::Task<Proof> prove(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target) {
  Proof proof;
  proof.user = login.parameters.user;
  if (target.needs_proof) co_await pass(login, messages, target, proof);
  co_return proof;
}

}  // namespace remuda::proxy
