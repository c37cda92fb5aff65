#include "admin/commands.h"
#include "admin/sockets.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

std::vector<Row> clients_of(proxy::Worker& worker) {
  std::vector<Row> rows;
  const Micros now = worker.now();
  for (const SocketRow& row : client_rows(worker)) rows.push_back(to_row(row, now, false));
  return rows;
}

}  // namespace

Answer show_clients(Call& call) {
  Table table = co_await gather_table(call.control, socket_columns(false), clients_of);
  const Micros now = call.control.loop().now();
  const int listen_port = call.control.snapshot().config->listen_port;
  for (const SocketRow& row : console_rows(call.consoles, listen_port)) {
    table.add(to_row(row, now, false));
  }
  table.keep("database", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
