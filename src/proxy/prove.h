// Proving who a client is: which method it must pass, with what secret, and passing it. One login
// task. PostgreSQL manual, Client Authentication.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "io/task.h"
#include "pg/login.h"
#include "pg/message_stream.h"
#include "proxy/login_attempt.h"

namespace remuda::proxy {

// Where a client wants to go.
struct LoginTarget {
  bool is_console = false;
  bool is_admin = false;  // console: may do more than SHOW
  bool needs_proof = true;
  std::optional<config::Database> database;  // nothing: the console, or there is none of that name
};

// What came of it.
struct Proof {
  Proof() = default;
  Proof(Proof&&) = default;
  Proof& operator=(Proof&&) = default;
  ~Proof();

  std::string user;  // as it asked, or as auth_query spells it
  // What opens servers for this user, where the auth file does not say.
  std::optional<pg::ProvenKeys> keys;
  std::string secret;
};

// Throws PgError with the text the client reads.
io::Task<Proof> prove(LoginAttempt& login, pg::MessageStream& messages, const LoginTarget& target);

}  // namespace remuda::proxy
