#include "admin/command_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "admin/commands.h"
#include "remuda/base/text.h"

namespace remuda::admin {
namespace {

using enum Privilege;

constexpr Command kCommands[] = {
    {"SHOW HELP", show, show_help, "this list"},
    {"SHOW VERSION", show, show_version, "the PgBouncer version we answer for"},
    {"SHOW CONFIG", show, show_config, "all settings, their values and defaults"},
    {"SHOW DATABASES [db]", show, show_databases, "databases, their limits and connections"},
    {"SHOW POOLS [db]", show, show_pools,
     "clients and servers of each pool, and how long is waited"},
    {"SHOW CLIENTS [db]", show, show_clients, "client connections"},
    {"SHOW SERVERS [db]", show, show_servers, "server connections"},
    {"SHOW SOCKETS [db]", show, show_sockets, "clients and servers with their buffers"},
    {"SHOW ACTIVE_SOCKETS [db]", show, show_active_sockets, "the same, of those that do something"},
    {"SHOW STATS [db]", show, show_stats, "counters of each database, totals and averages"},
    {"SHOW STATS_TOTALS [db]", show, show_stats_totals, "only totals"},
    {"SHOW STATS_AVERAGES [db]", show, show_stats_averages, "only averages"},
    {"SHOW TOTALS", show, show_totals, "counters of all databases together"},
    {"SHOW WAITS [db]", show, show_waits,
     "why clients of each pool waited, how often and how long"},
    {"SHOW WORKERS", show, show_workers, "what each thread has to do, and what it lends to others"},
    {"SHOW USERS [user]", show, show_users, "users and their limits"},
    {"SHOW LISTS", show, show_lists, "how many of everything there are"},
    {"SHOW PEERS", show, show_peers, "peers for cancel requests"},
    {"SHOW PEER_POOLS", show, show_peer_pools, "cancel requests of each peer"},
    {"SHOW MEM", show, show_mem, "memory of what there are many of"},
    {"SHOW STATE", show, show_state, "active, paused or suspended"},
    {"SHOW HOSTS", show, show_hosts, "hosts that are checked: state, role, lag, last error"},
    {"SHOW DNS_HOSTS", show, show_dns_hosts, "cached host names"},
    {"SHOW DNS_ZONES", show, show_dns_zones, "cached zones"},
    {"SHOW FDS", control, show_fds, "not available: descriptors are not given to other processes"},
    {"SHOW CLIENT_ENCODING", show, show_parameter, "for drivers that ask"},
    {"SHOW DEFAULT_TRANSACTION_ISOLATION", show, show_parameter, "for drivers that ask"},
    {"SHOW STANDARD_CONFORMING_STRINGS", show, show_parameter, "for drivers that ask"},
    {"SHOW DATESTYLE", show, show_parameter, "for drivers that ask"},
    {"SHOW TIMEZONE", show, show_parameter, "for drivers that ask"},
    {"SET key = value", show, set, "changes a setting until the next RELOAD"},
    {"RELOAD", control, reload, "reads the configuration again"},
    {"PAUSE [db]", control, pause, "lends no more servers, and waits until none is in use"},
    {"RESUME [db]", control, resume, "ends PAUSE, SUSPEND or KILL"},
    {"SUSPEND", control, suspend, "lets all sockets fall silent, with nothing left in buffers"},
    {"DISABLE db", control, disable, "refuses new clients of a database"},
    {"ENABLE db", control, enable, "ends DISABLE"},
    {"DISABLE HOST host", control, disable_host,
     "opens no more servers on a host, and closes those it has as they become free"},
    {"ENABLE HOST host", control, enable_host, "ends DISABLE HOST"},
    {"RECONNECT [db]", control, reconnect, "replaces server connections as they become free"},
    {"WAIT_CLOSE [db]", control, wait_close, "waits until RECONNECT has closed the last of them"},
    {"KILL [db]", control, kill, "pauses, and drops clients and servers"},
    {"KILL_CLIENT id", control, kill_client, "drops one client"},
    {"SHUTDOWN", control, shut_down_now, "ends the process at once"},
    {"SHUTDOWN WAIT_FOR_SERVERS", control, shut_down_after_servers,
     "pauses, and ends when no server is left"},
    {"SHUTDOWN WAIT_FOR_CLIENTS", control, shut_down_after_clients,
     "ends when the last client has left"},
    {"SHUTDOWN WAIT_FOR_TRANSACTIONS", control, shut_down_after_transactions,
     "drops clients between transactions, and ends when none is left"},
};

// The first word, and what follows it.
std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const size_t blank = text.find(' ');
  if (blank == text.npos) return {text, {}};
  return {text.substr(0, blank), text.substr(blank + 1)};
}

bool matches(std::string_view pattern, const Statement& statement) {
  const auto [word, rest] = cut(pattern);
  if (!same_word(word, statement.word)) return false;
  if (rest.ends_with("= value")) return statement.value.has_value();
  if (statement.value) return false;
  const auto [second, third] = cut(rest);
  if (third.empty() != statement.name.empty() && !third.starts_with('[')) return false;
  const bool is_parameter = second.starts_with('[') || (!second.empty() && second[0] >= 'a');
  // A command that needs its argument says itself what is missing.
  return is_parameter || same_word(second, statement.argument);
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(const Statement& statement) {
  const auto* at = std::find_if(std::begin(kCommands), std::end(kCommands),
                                [&](const Command& c) { return matches(c.pattern, statement); });
  return at == std::end(kCommands) ? nullptr : at;
}

std::string usage() {
  std::string out = "\n";
  for (const Command& command : kCommands) {
    out += fmt::format("\t{:<36}{}\n", command.pattern, command.help);
  }
  return out;
}

}  // namespace remuda::admin
