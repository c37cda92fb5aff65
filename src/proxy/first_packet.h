// The first bytes of a client: encryption if it asks for it, then the packet that says what it
// wants. PostgreSQL manual, Frontend/Backend Protocol, Message Flow: SSL Session Encryption.
#pragma once

#include "io/task.h"
#include "proxy/login_attempt.h"
#include "remuda/wire/startup.h"

namespace remuda::proxy {

// A Startup or a CancelRequest. The stream may be behind TLS afterwards. Throws PgError with what
// the client reads, TlsError, Closed, TimedOut.
io::Task<wire::StartupPacket> first_packet(LoginAttempt& login);

}  // namespace remuda::proxy
