// What runs each console command. Each returns the messages of its answer without ReadyForQuery,
// and throws PgError for what the client is told instead. Tasks of the control loop.
#pragma once

#include <string>
#include <string_view>

#include "admin/call.h"
#include "io/task.h"

namespace remuda::admin {

using Answer = io::Task<std::string>;

Answer show_help(Call& call);
Answer show_version(Call& call);
Answer show_config(Call& call);
Answer show_databases(Call& call);
Answer show_pools(Call& call);
Answer show_clients(Call& call);
Answer show_servers(Call& call);
Answer show_sockets(Call& call);
Answer show_active_sockets(Call& call);
Answer show_stats(Call& call);
Answer show_stats_totals(Call& call);
Answer show_stats_averages(Call& call);
Answer show_totals(Call& call);
Answer show_users(Call& call);
Answer show_lists(Call& call);
Answer show_peers(Call& call);
Answer show_peer_pools(Call& call);
Answer show_mem(Call& call);
Answer show_state(Call& call);
Answer show_waits(Call& call);
Answer show_workers(Call& call);
Answer show_hosts(Call& call);
Answer show_dns_hosts(Call& call);
Answer show_dns_zones(Call& call);
Answer show_fds(Call& call);  // always an error
Answer show_parameter(Call& call);

Answer pause(Call& call);
Answer resume(Call& call);
Answer suspend(Call& call);
Answer disable(Call& call);
Answer enable(Call& call);
Answer disable_host(Call& call);
Answer enable_host(Call& call);
Answer reconnect(Call& call);
Answer wait_close(Call& call);
Answer kill(Call& call);
Answer kill_client(Call& call);
Answer reload(Call& call);
Answer set(Call& call);
Answer shut_down_now(Call& call);
Answer shut_down_after_servers(Call& call);
Answer shut_down_after_clients(Call& call);
Answer shut_down_after_transactions(Call& call);

// CommandComplete alone.
std::string done(std::string_view tag);

// What PAUSE begins with: closes the idle servers of a database, or all when the name is empty.
io::Task<void> close_idle(Control& control, std::string database);

// Ends SUSPEND, or a PAUSE without a name.
void resume_all(Control& control);

// The names that clients set and ask for, and that mean nothing here.
bool is_dummy_parameter(std::string_view name) noexcept;

}  // namespace remuda::admin
