#include <string_view>

#include "admin/commands.h"
#include "admin/sockets.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

// The names of states in this list: clients that wait for nothing count as active.
const char* long_state(const SocketRow& row) {
  const std::string_view state = row.state;
  if (row.type == 'C') {
    if (state == "login") return "cl_login";
    return state == "waiting" ? "cl_waiting" : "cl_active";
  }
  if (state == "new") return "sv_login";
  if (state == "active") return "sv_active";
  if (state == "used") return "sv_used";
  return state == "idle" ? "sv_idle" : "sv_tested";
}

bool is_busy(const SocketRow& row) {
  return row.link != 0 || row.wait != 0 || row.buffers.unsent > 0 || row.buffers.unread > 0;
}

void append(std::vector<Row>& rows, std::vector<SocketRow> sockets, Micros now, bool only_busy) {
  for (SocketRow& socket : sockets) {
    if (only_busy && !is_busy(socket)) continue;
    socket.state = long_state(socket);
    rows.push_back(to_row(socket, now, true));
  }
}

Answer sockets_answer(Call& call, bool only_busy) {
  auto rows_of = [only_busy](proxy::Worker& worker) {
    std::vector<Row> rows;
    append(rows, client_rows(worker), worker.now(), only_busy);
    append(rows, server_rows(worker), worker.now(), only_busy);
    append(rows, login_rows(worker), worker.now(), only_busy);
    return rows;
  };
  Table table = co_await gather_table(call.control, socket_columns(true), rows_of);
  const int listen_port = call.control.snapshot().config->listen_port;
  std::vector<Row> rows;
  append(rows, console_rows(call.consoles, listen_port), call.control.loop().now(), only_busy);
  table.add(std::move(rows));
  table.keep("database", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace

Answer show_sockets(Call& call) {
  co_return co_await sockets_answer(call, false);
}
Answer show_active_sockets(Call& call) {
  co_return co_await sockets_answer(call, true);
}

}  // namespace remuda::admin
