// Rows of clients and servers. The first three run on the worker's thread, the fourth on the
// control loop.
#pragma once

#include <vector>

#include "admin/console.h"
#include "admin/socket_row.h"
#include "proxy/worker.h"

namespace remuda::admin {

std::vector<SocketRow> client_rows(proxy::Worker& worker);
std::vector<SocketRow> server_rows(proxy::Worker& worker);
// Clients that have not proved yet who they are, which only SHOW SOCKETS lists.
std::vector<SocketRow> login_rows(proxy::Worker& worker);
std::vector<SocketRow> console_rows(Consoles& consoles, int listen_port);

}  // namespace remuda::admin
