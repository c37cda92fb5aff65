#include "admin/commands.h"
#include "admin/sockets.h"
#include "admin/table.h"

namespace remuda::admin {
namespace {

std::vector<Row> servers_of(proxy::Worker& worker) {
  std::vector<Row> rows;
  const Micros now = worker.now();
  for (const SocketRow& row : server_rows(worker)) rows.push_back(to_row(row, now, false));
  return rows;
}

}  // namespace

Answer show_servers(Call& call) {
  Table table = co_await gather_table(call.control, socket_columns(false), servers_of);
  table.keep("database", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
