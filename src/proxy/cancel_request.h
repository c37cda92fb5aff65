// A cancel request on its way to where it takes effect: to a server, or to a peer. On the thread of
// the worker that sends it. PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Canceling
// Requests in Progress.
#pragma once

#include <cstdint>
#include <string>

#include "io/stream.h"
#include "io/task.h"

namespace remuda::proxy {

// Sends it over a connection that is ready for it, and waits until the other side closes that: only
// then has it taken effect. Throws what interrupts the stream, but for Closed.
io::Task<void> send_cancel_request(io::Stream& stream, uint32_t pid, std::string secret);

// Waits for the task that sends one, and logs what became of it instead of throwing that. `name`
// says where it goes.
io::Task<void> log_cancel_request(std::string name, io::Task<void> sending);

}  // namespace remuda::proxy
