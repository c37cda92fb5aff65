#include "proxy/prove.h"

#include <fmt/core.h>

#include "auth/authenticator.h"
#include "auth/host_name.h"
#include "auth/ldap.h"
#include "auth/pam.h"
#include "auth/system_user.h"
#include "io/local_networks.h"
#include "proxy/auth_query.h"
#include "proxy/worker.h"
#include "remuda/base/log.h"

namespace remuda::proxy {
namespace {

using config::AuthType;

[[noreturn]] void fail(const char* text) {
  throw PgError(text);
}

// ---- What is known of the user

// The database whose auth_query is asked. The console, and a database that does not exist, have
// none of their own.
config::Database asked_database(const LoginTarget& target) {
  if (target.database) return *target.database;
  config::Database none;
  none.name = none.dbname = config::kConsoleName;
  return none;
}

// A database that does not exist is asked about nobody, unless all are asked about elsewhere.
bool can_look_up(const LoginAttempt& login, const LoginTarget& target,
                 const config::Database& database) {
  if (!has_auth_query(login.config(), database)) return false;
  return target.database || target.is_console || login.config().auth_dbname;
}

io::Task<auth::FoundSecret> look_up(LoginAttempt& login, const config::Database& database,
                                    bool refresh) {
  std::string user = login.parameters.user;
  co_return co_await look_up_secret(login.worker, database, user, login.deadline, refresh);
}

// When what was remembered does not fit. A look-up that fails leaves it at that, and so does one
// that finds somebody else: the name has been settled.
io::Task<std::optional<std::string>> renewed_secret(LoginAttempt& login, config::Database database,
                                                    Proof& proof) {
  std::optional<std::string> secret;
  try {
    const auth::FoundSecret found = co_await look_up(login, database, true);
    if (found.found && found.name == proof.user) secret = proof.secret = found.secret;
  } catch (const PgError& error) {
    log::debug("{} looking up the secret again: {}", login.name(), error.what());
  }
  co_return secret;
}

// From the auth file, or else from auth_query.
io::Task<auth::Candidate> find_candidate(LoginAttempt& login, const LoginTarget& target,
                                         Proof& proof) {
  auth::Candidate candidate;
  candidate.user = login.parameters.user;
  const std::string* stored = login.snapshot.users->find(candidate.user);
  if (stored != nullptr) candidate.secret = *stored;
  // Settings in [users] make nobody known.
  candidate.is_known = stored != nullptr;
  const config::Database database = asked_database(target);
  const bool has_secret = stored != nullptr && !stored->empty();
  candidate.others_use_scram = login.snapshot.users->has_only_scram();
  if (has_secret || !can_look_up(login, target, database)) co_return candidate;
  const auth::FoundSecret found = co_await look_up(login, database, false);
  candidate.is_known = found.found;
  candidate.is_looked_up = true;
  candidate.secret.reset();
  std::atomic<bool>& finds_scram = login.worker.shared.auth_query_finds_scram;
  if (!found.secret.empty()) finds_scram = wire::parse_secret(found.secret).scram.has_value();
  candidate.others_use_scram = finds_scram;
  if (found.may_be_old) {
    candidate.renew = [&login, &proof, database] { return renewed_secret(login, database, proof); };
  }
  if (!found.found) co_return candidate;
  candidate.user = proof.user = found.name;
  candidate.secret = proof.secret = found.secret;
  co_return candidate;
}

// ---- Methods

io::Task<void> prove_by_password(LoginAttempt& login, pg::MessageStream& messages,
                                 const LoginTarget& target, AuthType method, Proof& proof) {
  Worker& worker = login.worker;
  const auth::Candidate candidate = co_await find_candidate(login, target, proof);
  if (method == AuthType::trust && candidate.is_looked_up && !candidate.is_known) {
    fail("no such user");
  }
  auth::AuthContext context{worker.loop,
                            worker.crypto,
                            worker.refusals,
                            worker.scram_secrets,
                            worker.shared.process_secret,
                            login.config().scram_iterations};
  if (login.stream.tls()) context.channel_binding = login.stream.tls()->channel_binding();
  auto proven = co_await auth::authenticate(messages, method, candidate, context);
  proof.keys = std::move(proven.keys);
  if (!proven.password.empty()) proof.secret = proven.password;
}

// Whether the client's certificate is the user's; the handshake has checked who signed it.
bool fits_certificate(const LoginAttempt& login, const std::string& map, const std::string& user) {
  const io::TlsSession* tls = login.stream.tls();
  if (tls == nullptr) return false;
  for (const std::string& name : tls->peer_names()) {
    if (login.snapshot.access->idents->allows(map, name, user)) return true;
  }
  return false;
}

io::Task<void> prove_by_certificate(LoginAttempt& login, const LoginTarget& target, std::string map,
                                    Proof& proof) {
  const auth::Candidate candidate = co_await find_candidate(login, target, proof);
  if (!candidate.is_known || !fits_certificate(login, map, candidate.user)) {
    fail("certificate authentication failed");
  }
}

io::Task<void> prove_by_peer(LoginAttempt& login, const LoginTarget& target, std::string map,
                             Proof& proof) {
  constexpr const char* kRejected = "unix socket login rejected";
  if (!login.stream.is_unix()) fail(kRejected);
  const io::PeerAddress peer = login.stream.peer();
  if (!peer.has_credentials) fail(kRejected);
  const std::string name =
      co_await auth::system_user_name(login.worker.loop, login.worker.directory_checks, peer.uid);
  const auth::Candidate candidate = co_await find_candidate(login, target, proof);
  const bool fits =
      !name.empty() && login.snapshot.access->idents->allows(map, name, candidate.user);
  if (!candidate.is_known || !fits) fail(kRejected);
}

// The password goes on to the servers: nothing else opens them.
io::Task<void> prove_by_pam(LoginAttempt& login, pg::MessageStream& messages, Proof& proof) {
  std::string password = co_await auth::ask_password(messages);
  proof.secret = password;
  std::string service = auth::kPamService;
  std::string user = login.parameters.user;
  std::string host = login.stream.is_unix() ? login.peer : login.stream.peer().address.host();
  const bool right = co_await auth::pam_check(login.worker.loop, login.worker.directory_checks,
                                              service, user, std::move(password), host);
  if (!right) fail("PAM authentication failed");
}

io::Task<void> prove_by_ldap(LoginAttempt& login, pg::MessageStream& messages,
                             std::optional<auth::LdapOptions> options, Proof& proof) {
  if (!auth::kHasLdap) fail("ldap is not supported by this build");
  if (!options) fail("auth_ldap_options is null");
  std::string password = co_await auth::ask_password(messages);
  proof.secret = password;
  std::string user = login.parameters.user;
  const bool right = co_await auth::ldap_check(login.worker.loop, login.worker.directory_checks,
                                               *options, user, std::move(password));
  if (!right) fail("LDAP authentication failed");
}

// ---- Which method

// What a rule depends on beyond what the client says of itself.
io::Task<void> find_fact(LoginAttempt& login, const LoginTarget& target, std::string user,
                         auth::HbaNeeds needed, auth::HbaFacts& facts) {
  Worker& worker = login.worker;
  if (needed == auth::HbaNeeds::local_networks) {
    facts.local_networks = io::local_networks();
  } else if (needed == auth::HbaNeeds::host_name) {
    const io::Address address = login.stream.peer().address;
    std::string name =
        co_await auth::confirmed_host_name(worker.loop, address, &worker.directory_checks);
    facts.host_name = std::move(name);
  } else {
    // Without knowing them nobody passes: the rule may be one that refuses.
    const config::Database database = asked_database(target);
    if (!has_auth_query(login.config(), database)) {
      log::error("{} a rule of the HBA file names a group: that needs auth_user", login.name());
      fail("bouncer config error");
    }
    auto groups = co_await look_up_groups(worker, database, user, login.deadline);
    facts.groups = std::move(groups);
  }
}

io::Task<const auth::HbaRule*> find_rule(LoginAttempt& login, const LoginTarget& target,
                                         std::string user) {
  auth::HbaClient client;
  client.is_unix = login.stream.is_unix();
  client.is_tls = login.stream.tls() != nullptr;
  if (!client.is_unix) client.address = login.stream.peer().address;
  client.user = user;
  client.database = login.parameters.database;
  client.is_physical_replication = login.parameters.replication == Replication::physical;
  auth::HbaFacts facts;
  while (true) {
    const auth::HbaAnswer answer = login.snapshot.access->hba->find(client, facts);
    if (answer.needs == auth::HbaNeeds::nothing) co_return answer.rule;
    co_await find_fact(login, target, user, answer.needs, facts);
  }
}

// A rule may ask for a certificate beside its method.
void check_client_cert(const LoginAttempt& login, const auth::HbaRule& rule,
                       const std::string& user) {
  if (rule.client_cert == auth::ClientCert::none) return;
  const io::TlsSession* tls = login.stream.tls();
  const bool has_one = tls != nullptr && tls->has_peer_certificate();
  const bool is_own =
      rule.client_cert == auth::ClientCert::verify_ca || fits_certificate(login, rule.map, user);
  if (!has_one || !is_own) fail("certificate authentication failed");
}

AuthType password_method(auth::HbaMethod method) {
  if (method == auth::HbaMethod::trust) return AuthType::trust;
  if (method == auth::HbaMethod::password) return AuthType::plain;
  return method == auth::HbaMethod::md5 ? AuthType::md5 : AuthType::scram_sha_256;
}

io::Task<void> pass_rule(LoginAttempt& login, pg::MessageStream& messages,
                         const LoginTarget& target, const auth::HbaRule* rule, Proof& proof) {
  switch (rule->method) {
    case auth::HbaMethod::cert:
      co_await prove_by_certificate(login, target, rule->map, proof);
      co_return;
    case auth::HbaMethod::peer:
      co_await prove_by_peer(login, target, rule->map, proof);
      co_return;
    case auth::HbaMethod::pam:
      co_await prove_by_pam(login, messages, proof);
      co_return;
    case auth::HbaMethod::ldap: {
      std::vector<std::string> faults;  // told when the file was read
      auto options = login.snapshot.access->ldap;
      if (!rule->options.empty()) options = auth::parse_ldap_options(rule->options, faults);
      co_await prove_by_ldap(login, messages, options, proof);
      co_return;
    }
    default:
      co_await prove_by_password(login, messages, target, password_method(rule->method), proof);
  }
}

// auth_query may spell the name otherwise than the client: that is no way around a rule about it.
io::Task<void> check_spelling(LoginAttempt& login, const LoginTarget& target,
                              const auth::HbaRule* passed, std::string user) {
  if (user == login.parameters.user) co_return;
  const auth::HbaRule* rule = co_await find_rule(login, target, user);
  if (rule != passed) fail("login rejected");
  check_client_cert(login, *rule, user);
}

io::Task<void> pass_rules(LoginAttempt& login, pg::MessageStream& messages,
                          const LoginTarget& target, Proof& proof) {
  std::string user = login.parameters.user;
  const auth::HbaRule* rule = co_await find_rule(login, target, user);
  if (rule == nullptr) fail("no authentication method is found");
  log::debug("{} HBA rule {}:{}", login.name(), rule->file, rule->line);
  if (rule->method == auth::HbaMethod::reject) fail("login rejected");
  check_client_cert(login, *rule, user);
  co_await pass_rule(login, messages, target, rule, proof);
  co_await check_spelling(login, target, rule, proof.user);
}

io::Task<void> pass(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target,
                    Proof& proof) {
  const AuthType method = login.config().auth_type;
  switch (method) {
    case AuthType::any:
      co_return;
    case AuthType::hba:
      co_await pass_rules(login, messages, target, proof);
      co_return;
    case AuthType::cert: {
      const std::string no_map;
      co_await prove_by_certificate(login, target, no_map, proof);
      co_return;
    }
    case AuthType::pam:
      co_await prove_by_pam(login, messages, proof);
      co_return;
    case AuthType::ldap:
      co_await prove_by_ldap(login, messages, login.snapshot.access->ldap, proof);
      co_return;
    default:
      co_await prove_by_password(login, messages, target, method, proof);
  }
}

}  // namespace

Proof::~Proof() {
  wire::wipe(secret);
}

io::Task<Proof> prove(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target) {
  Proof proof;
  proof.user = login.parameters.user;
  if (target.needs_proof) co_await pass(login, messages, target, proof);
  co_return proof;
}

}  // namespace remuda::proxy
