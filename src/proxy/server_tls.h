// TLS towards servers: asked for, or begun at once. Used by dials, cancel requests and checks of
// hosts, on their loop. PostgreSQL manual, Frontend/Backend Protocol, Message Flow: SSL Session
// Encryption.
#pragma once

#include <stdexcept>
#include <string>

#include "io/offload.h"
#include "io/stream.h"
#include "io/task.h"

namespace remuda::proxy {

class Worker;
struct Snapshot;

// The connection cannot be had as the configuration wants it. Not for clients: they go on waiting.
class ConnectFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Encrypts a fresh connection as server_tls_sslmode wants it; `host` is the element of the host
// list in use. Does nothing for unix sockets. Throws ConnectFailure, TlsError; Closed and TimedOut.
io::Task<void> encrypt_server(const Snapshot& snapshot, io::OffloadLimit& crypto,
                              io::Stream& stream, std::string host);
io::Task<void> encrypt_server(Worker& worker, io::Stream& stream, std::string host);

}  // namespace remuda::proxy
