// Cancel requests: from the key a client was given to the server that runs its query, and never to
// another client's. PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Canceling Requests.
#pragma once

#include <memory>

#include "io/task.h"
#include "io/waiter.h"
#include "remuda/wire/startup.h"

namespace remuda::proxy {

class Server;
class Worker;

// Routes a request to the worker its key names and waits until it has taken effect, or turned out
// to be about nothing. `worker` is where the request arrived.
io::Task<void> forward_cancel(Worker& worker, wire::CancelRequest request);

// Cancels what a server runs, as nobody waits for it any more. The server may close meanwhile.
io::Task<void> cancel_query(Server& server);

}  // namespace remuda::proxy
