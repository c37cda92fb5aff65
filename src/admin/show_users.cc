#include <fmt/core.h>

#include "admin/catalog.h"
#include "admin/commands.h"
#include "admin/table.h"
#include "config/effective.h"
#include "route/directory.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kText;

constexpr Column kUserColumns[] = {
    {"name", kText, Merge::key},
    {"pool_size", kText},
    {"reserve_pool_size", kText},
    {"pool_mode", kText},
    {"max_user_connections", kInt4},
    {"current_connections", kInt4},
    {"max_user_client_connections", kInt4},
    {"current_client_connections", kInt4},
};

// As PgBouncer prints an optional size: in nine columns, or not at all.
Cell size_text(std::optional<int> size) {
  return text(size ? fmt::format("{:9}", *size) : "");
}

// Consoles of admins, which take no place among a user's clients, but are shown as such.
size_t exempt_consoles(Consoles& consoles, const std::string& user) {
  size_t count = 0;
  for (const Console& console : consoles.all()) count += console.is_admin && console.user == user;
  return count;
}

Row row_of(Control& control, Consoles& consoles, const std::string& name) {
  const config::Config& config = *control.snapshot().config;
  const config::User* user = route::find_user(config, name);
  const auto ledger = control.shared().ledgers.user(name);
  return {
      text(name),
      size_text(user ? user->pool_size : std::nullopt),
      size_text(user ? user->reserve_pool_size : std::nullopt),
      user && user->pool_mode ? text(config::to_text(*user->pool_mode)) : null(),
      number(config::max_user_connections(config, user)),
      number(ledger->servers.used()),
      number(config::max_user_client_connections(config, user)),
      number(static_cast<size_t>(ledger->clients.used()) + exempt_consoles(consoles, name)),
  };
}

}  // namespace

Answer show_users(Call& call) {
  Table table(kUserColumns);
  for (const std::string& name : known_users(call.control)) {
    table.add(row_of(call.control, call.consoles, name));
  }
  table.keep("name", call.name);
  co_return table.messages();
}

}  // namespace remuda::admin
