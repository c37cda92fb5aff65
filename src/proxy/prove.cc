#include "proxy/prove.h"

#include "auth/authenticator.h"
#include "proxy/worker.h"

namespace remuda::proxy {

Proof::~Proof() { wire::wipe(secret); }

io::Task<Proof> prove(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target) {
  Proof proof;
  proof.user = login.parameters.user;
  if (!target.needs_proof) co_return proof;
  Worker& worker = login.worker;
  const config::Config& config = login.config();
  auth::Candidate candidate;
  candidate.user = login.parameters.user;
  if (const std::string* stored = login.snapshot.users->find(candidate.user)) {
    candidate.secret = *stored;
  }
  candidate.is_known = candidate.secret || config.users.contains(candidate.user);
  auth::AuthContext context{worker.loop, worker.crypto, worker.scram_secrets,
                            worker.shared.process_secret, config.scram_iterations};
  if (login.stream.tls()) context.channel_binding = login.stream.tls()->channel_binding();
  auto proven = co_await auth::authenticate(messages, config.auth_type, candidate, context);
  proof.keys = std::move(proven.keys);
  co_return proof;
}

}  // namespace remuda::proxy
