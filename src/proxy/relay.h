// Between sockets and the conversation: feeds what was read, sends what it wants sent, and keeps
// both directions from running ahead of the slower side. Worker's thread only.
#pragma once

#include <string_view>

#include "proxy/client.h"
#include "proxy/server.h"
#include "remuda/session/conversation.h"

namespace remuda::proxy {

// Goes on with a client's parked bytes, if nothing stands in the way any more.
void pump(Client& client) noexcept;

// A cancel request for a client that waits: its first request is answered by an error instead, and
// what follows that goes on. False when it does not wait or its request is not there completely:
// the cancel request then has no effect.
bool cancel_queued(Client& client) noexcept;

// Nothing of what it sent, or is sent, is half-way: reading may stop for as long as one likes.
bool is_settled(const Client& client) noexcept;
bool is_settled(const Server& server) noexcept;

// Stops or resumes reading as backlogs, parked bytes and SUSPEND demand.
void update_reading(Client& client) noexcept;
void update_reading(Server& server) noexcept;

// Closes a client; its server is released, once it has rolled back or answered what is open, or
// closed too. `reason` is for the log. The other one has the client read a FATAL error first.
void close_client(Client& client, std::string_view reason) noexcept;
void fail_client(Client& client, const SqlState& sqlstate, std::string_view text) noexcept;

// The pooler is to end: a client without a transaction is told so. False if it goes on.
bool end_if_free(Client& client) noexcept;

// Closes a server that has no client.
void close_server(Server& server, std::string_view reason) noexcept;
// Closes a server and tells its client, if any, why.
void fail_server(Server& server, std::string_view log_reason, const SqlState& sqlstate,
                 std::string_view text) noexcept;

// "C-0x7f...: db/user@127.0.0.1:4711"
std::string log_name(const Client& client);
std::string log_name(const Server& server);

}  // namespace remuda::proxy
