// Replication connections: what a client asks for by `replication` in its start-up packet, and the
// server that it gets for itself. Such a server is opened during the client's login, with the
// client's own start-up parameters, counts as one of the pool and is closed when the client leaves.
// PostgreSQL manual, Streaming Replication Protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/deadline.h"
#include "io/task.h"
#include "proxy/pool_facts.h"
#include "remuda/base/bytes.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {

class PoolShard;
class Server;
struct Admission;

enum class Replication : uint8_t { none, logical, physical };

// "database" is logical, a true boolean as PostgreSQL spells it physical. Anything else is none.
Replication parse_replication(ByteView text) noexcept;

// none, logical, physical.
const char* to_text(Replication replication) noexcept;

struct OwnServer {
  std::unique_ptr<Server> server;
  ServerParameters parameters;  // as it reported them
};

// Waits for room in the pool, then opens the server. Throws PgError("login failed") when there is
// none to be had, TimedOut by the deadline, Closed when the worker stops. A task of the pool's
// worker.
io::Task<OwnServer> open_own_server(PoolShard& pool, const Admission& admission,
                                    io::Deadline& deadline);

}  // namespace remuda::proxy
