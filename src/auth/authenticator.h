// Proves that a client is who it says, by password. A user who does not exist goes through the same
// motions and fails at the end, in the same time: every refused proof costs one computation of
// PBKDF2, whoever the user is and however the secret is stored. One login task.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Start-up, SASL Authentication.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "auth/scram_cache.h"
#include "config/config.h"
#include "io/offload.h"
#include "io/task.h"
#include "pg/login.h"
#include "pg/message_stream.h"
#include "remuda/wire/crypto.h"

namespace remuda::auth {

struct Candidate {
  ~Candidate() {
    if (secret) wire::wipe(*secret);
  }

  std::string user;
  std::optional<std::string> secret;  // as stored; nothing: nobody of that name, or without secret
  bool is_known = false;              // there is such a user
  bool is_looked_up = false;          // auth_query said so
  // With md5, who has no secret is asked for SCRAM, as those who have one are.
  bool others_use_scram = false;
  // Asks once more for a secret that may be out of date. Null: it is not.
  std::function<io::Task<std::optional<std::string>>()> renew = nullptr;
};

// What the exchange needs from its surroundings.
struct AuthContext {
  io::Loop& loop;
  io::OffloadLimit& crypto;
  io::OffloadLimit& refusals;  // for what a refusal costs: strangers may ask for many
  ScramCache& scram_cache;
  std::span<const unsigned char> process_secret;  // seeds the salts of those who have none stored
  int scram_iterations;
  std::string channel_binding = {};  // hash of our certificate; empty: no TLS, or no such hash
};

// What a proven client can be represented with at a server.
struct Proof {
  ~Proof() { wire::wipe(password); }

  std::optional<pg::ProvenKeys> keys;  // SCRAM, against a stored SCRAM secret
  std::string password;                // clear text, where the method brings it
};

// Throws PgError with the text the client reads; Closed. Methods other than any, trust, plain, md5
// and scram-sha-256 are refused.
io::Task<Proof> authenticate(pg::MessageStream& client, config::AuthType method,
                             Candidate candidate, AuthContext context);

// Asks for the password in clear text. Never empty: that throws PgError. The caller wipes it.
io::Task<std::string> ask_password(pg::MessageStream& client);

}  // namespace remuda::auth
