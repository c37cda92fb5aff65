// Proves that a client is who it says, by the configured method. A user who does not exist goes
// through the same motions and fails at the end. One login task.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Start-up, SASL Authentication.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "auth/scram_cache.h"
#include "config/config.h"
#include "io/offload.h"
#include "io/task.h"
#include "pg/login.h"
#include "pg/message_stream.h"

namespace remuda::auth {

struct Candidate {
  std::string user;
  const std::string* secret = nullptr;  // as stored; null: nobody of that name, or without secret
  bool is_known = false;                // there is such a user
};

// What the exchange needs from its surroundings.
struct AuthContext {
  io::Loop& loop;
  io::OffloadLimit& crypto;
  ScramCache& scram_cache;
  std::span<const unsigned char> process_secret;  // seeds the mock exchange
  int scram_iterations;
};

// Throws PgError with the text the client reads. Returns the keys that proved a client against a
// stored SCRAM secret: they can log in to a server that stores the same.
io::Task<std::optional<pg::ProvenKeys>> authenticate(pg::MessageStream& client,
                                                     config::AuthType method, Candidate candidate,
                                                     AuthContext context);

}  // namespace remuda::auth
