// What a client is told when the host of its server is lost, and how a host gives itself away
// before it is checked. On the server's worker.
#pragma once

#include <string>
#include <string_view>

#include "proxy/server.h"
#include "remuda/base/bytes.h"

namespace remuda::proxy {

struct LostServer {
  SqlState sqlstate;
  std::string text;
};

// What is known of the fate of what its client asked last. `why` follows the host's name.
LostServer describe_loss(const Server& server, std::string_view why);

// An error that a primary does not give has the host checked: it is looked for where it stands
// first in a read, as an answer to one statement does. True when the server says that it ends.
bool look_for_alarm(const Server& server, ByteView bytes);

// Closes a server that is lost. If a transaction was about to begin there, and no more, its client
// begins it on another one, or waits for one. False: nothing was done.
bool begin_elsewhere(Server& server, std::string_view reason);

}  // namespace remuda::proxy
