// Being a PostgreSQL client: from a fresh connection to ReadyForQuery. The server may be hostile:
// what it sends is bounded in length and number, it is asked for one proof of itself when it chose
// SCRAM, and it gets one answer to one authentication request.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Start-up.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/stream.h"
#include "io/task.h"
#include "pg/key_cache.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/scram.h"
#include "remuda/wire/secret.h"
#include "remuda/wire/startup.h"

namespace remuda::pg {

// Keys of a client that proved itself to us: good for a server that stores the same secret.
struct ProvenKeys {
  wire::ScramKeys keys;
  std::string salt;
  uint32_t iterations = 0;
};

struct LoginRequest {
  std::vector<wire::Parameter> startup;  // user, database and what else the server shall set
  uint32_t version = wire::kProtocol3;   // or kProtocol32, if the server may know it
  std::string user;
  wire::Secret secret;  // an empty plain one when there is none
  std::optional<ProvenKeys> proven;
  // tls-server-end-point data: the hash of the server's certificate. Empty: no TLS, or no such
  // hash.
  std::string channel_binding = {};
};

struct LoginResult {
  std::vector<wire::Parameter> parameters;  // as reported, in order
  uint32_t pid = 0;
  std::string cancel_secret;
};

// The server said no: its own SQLSTATE and message.
class ServerRefusal : public PgError {
 public:
  using PgError::PgError;
};

// Logs in. Throws ServerRefusal; PgError when we cannot answer what it asks, or it breaks the
// protocol; Closed and TimedOut.
io::Task<LoginResult> log_in(io::Stream& stream, LoginRequest request, KeyCache& cache);

}  // namespace remuda::pg
