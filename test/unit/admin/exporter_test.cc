// What monitors read: pgbouncer_exporter of the Prometheus community, Datadog's agent and Telegraf.
// Their queries, and the columns and rows they look for by name.
#include <algorithm>
#include <set>

#include "unit/admin/fake_control.h"

namespace remuda::admin::exporter_test {
namespace {

struct Read {
  const char* query;
  std::vector<const char*> columns;
};

// Of pgbouncer_exporter, Datadog's agent and Telegraf, in this order.
const Read kReads[] = {
    {"SHOW DATABASES;",
     {"name", "host", "port", "database", "force_user", "pool_size", "reserve_pool_size",
      "pool_mode", "max_connections", "current_connections", "paused", "disabled"}},
    {"SHOW STATS_TOTALS;",
     {"database", "query_count", "query_time", "bytes_received", "bytes_sent", "wait_time",
      "xact_count", "xact_time", "client_parse_count", "server_parse_count", "bind_count",
      "server_assignment_count"}},
    {"SHOW POOLS;",
     {"database", "user", "cl_active", "cl_active_cancel_req", "cl_waiting",
      "cl_waiting_cancel_req", "sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle",
      "sv_used", "sv_tested", "sv_login", "maxwait", "maxwait_us"}},
    {"SHOW CLIENTS;", {"database", "user", "state", "application_name"}},
    {"SHOW STATS",
     {"database", "total_query_count", "total_received", "total_sent", "total_xact_count",
      "total_xact_time", "total_query_time", "total_wait_time", "avg_xact_count", "avg_query_count",
      "avg_recv", "avg_sent", "avg_xact_time", "avg_query_time", "avg_wait_time"}},
    {"SHOW DATABASES", {"name", "pool_size", "max_connections", "current_connections"}},
    {"SHOW CLIENTS",
     {"database", "user", "state", "connect_time", "request_time", "wait", "wait_us"}},
    {"SHOW SERVERS", {"database", "user", "state", "connect_time", "request_time"}},
    {"show pools", {"database", "user", "cl_active", "maxwait", "maxwait_us", "pool_mode"}},
    {"show lists", {"list", "items"}},
    {"show databases", {"name", "host", "port", "database", "pool_mode", "paused", "disabled"}},
};

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::set<std::string> keys_with_numbers(ConsoleClient& client, const char* query) {
  std::set<std::string> keys;
  for (const auto& row : client.rows(query)) {
    if (is_number(row[1])) keys.insert(row[0]);
  }
  return keys;
}

}  // namespace

TEST_CASE("pgbouncer_exporter finds its columns", "[exporter]") {
  FakeControl control({}, 1);
  ConsoleClient client(control, false);
  for (const Read& read : kReads) {
    CAPTURE(read.query);
    const auto replies = client.ask(read.query);
    REQUIRE(replies[0].type == 'T');
    std::set<std::string> names;
    for (const ColumnSeen& column : columns_of(replies[0])) names.insert(column.name);
    for (const char* column : read.columns) {
      CAPTURE(column);
      CHECK(names.contains(column));
    }
  }
}

TEST_CASE("pgbouncer_exporter finds its rows of lists and settings", "[exporter]") {
  FakeControl control({}, 1);
  ConsoleClient client(control, false);
  const auto lists = keys_with_numbers(client, "SHOW LISTS;");
  for (const char* list :
       {"databases", "users", "pools", "free_clients", "used_clients", "login_clients",
        "free_servers", "used_servers", "dns_names", "dns_zones", "dns_queries"}) {
    CAPTURE(list);
    CHECK(lists.contains(list));
  }
  const auto settings = keys_with_numbers(client, "SHOW CONFIG;");
  CHECK(settings.contains("max_client_conn"));
  CHECK(settings.contains("max_user_connections"));
  const auto replies = client.ask("SHOW CONFIG;");
  CHECK(columns_of(replies[0]).size() == 4);  // it knows three columns or four
  const auto version = client.rows("SHOW VERSION;");
  REQUIRE(version.size() == 1);
  CHECK(version[0][0].starts_with("PgBouncer "));
}

}  // namespace remuda::admin::exporter_test
