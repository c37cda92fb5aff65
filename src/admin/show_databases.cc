#include <fmt/format.h>

#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/table.h"
#include "config/effective.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kText;

constexpr Column kDatabaseColumns[] = {
    {"name", kText, Merge::key},
    {"host", kText},
    {"port", kInt4},
    {"database", kText},
    {"force_user", kText},
    {"pool_size", kInt4},
    {"min_pool_size", kInt4},
    {"reserve_pool_size", kInt4},
    {"server_lifetime", kInt4},
    {"pool_mode", kText},
    {"load_balance_hosts", kText},
    {"max_connections", kInt4},
    {"current_connections", kInt4},
    {"max_client_connections", kInt4},
    {"current_client_connections", kInt4},
    {"paused", kInt4},
    {"disabled", kInt4},
};

Row row_of(Control& control, const std::string& name, const config::Database& database) {
  const config::Config& config = *control.snapshot().config;
  const auto ledger = control.shared().ledgers.database(name);
  const bool has_hosts = !database.hosts.empty();
  return {
      text(name),
      has_hosts ? text(fmt::format("{}", fmt::join(database.hosts, ","))) : null(),
      number(database.port),
      text(database.dbname.empty() ? name : database.dbname),
      text_or_null(database.user),
      number(config::pool_size(config, database, nullptr)),
      number(config::min_pool_size(config, database)),
      number(config::reserve_pool_size(config, database, nullptr)),
      number(config::server_lifetime(config, database) / kSecond),
      database.pool_mode ? text(config::to_text(*database.pool_mode)) : null(),
      database.hosts.size() > 1 ? text(config::to_text(database.load_balance_hosts)) : null(),
      number(config::max_db_connections(config, database)),
      number(ledger->servers.used()),
      number(config::max_db_client_connections(config, database)),
      number(ledger->clients.used()),
      number(ledger->paused.load()),
      number(ledger->disabled.load()),
  };
}

Row console_row(const config::Config& config, const Consoles& consoles) {
  return {
      text(config::kConsoleName),
      null(),
      number(config.listen_port),
      text(config::kConsoleName),
      text(config::kConsoleName),
      number(2),
      number(0),
      number(config.reserve_pool_size),
      number(config.server_lifetime / kSecond),
      text("statement"),
      null(),
      number(config.max_db_connections),
      number(0),
      number(config.max_db_client_connections),
      number(consoles.size()),
      number(0),
      number(0),
  };
}

}  // namespace

Answer show_databases(Call& call) {
  Table table(kDatabaseColumns);
  for (const auto& [name, database] : known_databases(call.control)) {
    table.add(row_of(call.control, name, database));
  }
  table.add(console_row(*call.control.snapshot().config, call.consoles));
  table.keep("name", call.name);
  table.merge();
  co_return table.messages();
}

}  // namespace remuda::admin
