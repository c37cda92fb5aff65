// Every SHOW: its columns against a literal list (t text, i int4, q int8, n numeric), and what can
// be seen without clients.
#include "admin/command_table.h"
#include "remuda/base/text.h"
#include "unit/admin/fake_control.h"

#include <regex>
#include <sstream>

namespace remuda::admin::show_test {
namespace {

using Rows = std::vector<std::vector<std::string>>;

uint32_t type_of(const std::string& letter) {
  if (letter == "t") return 25;
  if (letter == "i") return 23;
  if (letter == "q") return 20;
  REQUIRE(letter == "n");
  return 1700;
}

// "name t port i"
std::vector<ColumnSeen> parse_columns(const std::string& text) {
  std::vector<ColumnSeen> columns;
  std::istringstream words(text);
  std::string name;
  std::string letter;
  while (words >> name >> letter) columns.push_back({name, type_of(letter)});
  return columns;
}

const std::string kSocket =
    "type t user t database t replication t state t addr t port i local_addr t local_port i "
    "connect_time t request_time t wait i wait_us i close_needed i ptr t link t remote_pid i tls t "
    "application_name t prepared_statements i id i ";
const std::string kBuffers =
    "recv_pos i pkt_pos i pkt_remain i send_pos i send_remain i pkt_avail i send_avail i";

struct Shown {
  const char* name;
  std::string columns;
};

const Shown kShown[] = {
    {"VERSION", "version t"},
    {"CONFIG", "key t value t default t changeable t"},
    {"DATABASES",
     "name t host t port i database t force_user t pool_size i min_pool_size i reserve_pool_size i "
     "server_lifetime i pool_mode t load_balance_hosts t max_connections i current_connections i "
     "max_client_connections i current_client_connections i paused i disabled i"},
    {"POOLS",
     "database t user t cl_active i cl_waiting i cl_active_cancel_req i cl_waiting_cancel_req i "
     "sv_active i sv_active_cancel i sv_being_canceled i sv_idle i sv_used i sv_tested i sv_login "
     "i "
     "maxwait i maxwait_us i pool_mode t load_balance_hosts t"},
    {"CLIENTS", kSocket},
    {"SERVERS", kSocket},
    {"SOCKETS", kSocket + kBuffers},
    {"ACTIVE_SOCKETS", kSocket + kBuffers},
    {"STATS",
     "database t total_server_assignment_count n total_xact_count n total_query_count n "
     "total_received n total_sent n total_xact_time n total_query_time n total_wait_time n "
     "total_client_parse_count n total_server_parse_count n total_bind_count n "
     "total_client_login_count n avg_server_assignment_count n avg_xact_count n avg_query_count n "
     "avg_recv n avg_sent n avg_xact_time n avg_query_time n avg_wait_time n "
     "avg_client_parse_count n avg_server_parse_count n avg_bind_count n avg_client_login_count n"},
    {"STATS_TOTALS",
     "database t server_assignment_count n xact_count n query_count n bytes_received n bytes_sent "
     "n "
     "xact_time n query_time n wait_time n client_parse_count n server_parse_count n bind_count n "
     "client_login_count n"},
    {"STATS_AVERAGES",
     "database t server_assignment_count n xact_count n query_count n bytes_received n bytes_sent "
     "n "
     "xact_time n query_time n wait_time n avg_client_parse_count n avg_server_parse_count n "
     "avg_bind_count n avg_client_login_count n"},
    {"TOTALS", "name t value n"},
    {"USERS",
     "name t pool_size t reserve_pool_size t pool_mode t max_user_connections i "
     "current_connections i max_user_client_connections i current_client_connections i"},
    {"LISTS", "list t items i"},
    {"PEERS", "peer_id i host t port i pool_size i"},
    {"PEER_POOLS",
     "peer_id i cl_active_cancel_req i cl_waiting_cancel_req i sv_active_cancel i sv_login i"},
    {"MEM", "name t size i used i free i memtotal i"},
    {"STATE", "key t value t"},
    {"DNS_HOSTS", "hostname t ttl q addrs t"},
    {"HOSTS",
     "host t port i role t state t state_seconds q lag_ms q lag_bytes q timeline q epoch q "
     "checks_ok q checks_failed q last_error t connections i weight i disabled i databases t"},
    {"DNS_ZONES", "zonename t serial q count i"},
    {"WAITS", "database t user t reason t count q total_us q waiting i"},
    {"WORKERS",
     "worker i pools i clients i waiting i logins i servers i queries q lent q taken q cpu_us q"},
    {"client_encoding", "client_encoding t"},
    {"default_transaction_isolation", "default_transaction_isolation t"},
    {"standard_conforming_strings", "standard_conforming_strings t"},
    {"datestyle", "datestyle t"},
    {"timezone", "timezone t"},
};

Rows rows_named(const Rows& rows, const std::string& name) {
  Rows found;
  for (const auto& row : rows) {
    if (row[0] == name) found.push_back(row);
  }
  return found;
}

}  // namespace

TEST_CASE("every SHOW has PgBouncer's columns, types and tag", "[show]") {
  config::Config config;
  config.peers[3] = {3, "10.0.0.3", 6432, std::nullopt};
  FakeControl control(config, 2);
  ConsoleClient client(control);
  for (const Shown& shown : kShown) {
    CAPTURE(shown.name);
    const auto replies = client.ask(std::string("SHOW ") + shown.name);
    REQUIRE(replies.size() >= 3);
    REQUIRE(replies[0].type == 'T');
    CHECK(columns_of(replies[0]) == parse_columns(shown.columns));
    const size_t width = columns_of(replies[0]).size();
    for (size_t i = 1; i + 2 < replies.size(); ++i) {
      REQUIRE(replies[i].type == 'D');
      CHECK(values_of(replies[i]).size() == width);
    }
    CHECK(replies[replies.size() - 2].type == 'C');
    CHECK(std::string(replies[replies.size() - 2].body.c_str()) == "SHOW");
  }
}

TEST_CASE("no SHOW is missing above", "[show]") {
  for (const Command& command : commands()) {
    std::istringstream words(command.pattern);
    std::string word;
    std::string name;
    words >> word >> name;
    if (word != "SHOW" || name == "HELP" || name == "FDS") continue;
    CAPTURE(name);
    CHECK(std::any_of(std::begin(kShown), std::end(kShown),
                      [&](const Shown& shown) { return same_word(shown.name, name); }));
  }
}

TEST_CASE("SHOW of one database or user", "[show]") {
  config::Config config;
  config.databases["shop"].name = "shop";
  config.databases["Mail-box"].name = "Mail-box";
  config.users["ann"].name = "ann";
  config.users["bob"].name = "bob";
  FakeControl control(config, 1);
  ConsoleClient client(control);
  const auto first_cells = [&](const std::string& sql) {
    std::string cells;
    for (const auto& row : client.rows(sql)) cells += row[0] + " ";
    return cells;
  };
  CHECK(first_cells("SHOW DATABASES") == "Mail-box pgbouncer shop ");
  CHECK(first_cells("SHOW DATABASES shop;") == "shop ");
  CHECK(first_cells("show databases \"Mail-box\"") == "Mail-box ");
  CHECK(first_cells("SHOW DATABASES Shop") == "");
  CHECK(first_cells("SHOW USERS bob") == "bob ");
  CHECK(first_cells("SHOW POOLS pgbouncer") == "pgbouncer ");
  CHECK(first_cells("SHOW STATS pgbouncer") == "pgbouncer ");
  for (const char* what : {"POOLS", "CLIENTS", "SERVERS", "SOCKETS", "ACTIVE_SOCKETS", "STATS",
                           "STATS_TOTALS", "STATS_AVERAGES", "WAITS"}) {
    CAPTURE(what);
    const auto replies = client.ask(std::string("SHOW ") + what + " shop");
    REQUIRE(replies.size() == 3);
    CHECK(replies[0].type == 'T');
  }
  for (const char* text : {"SHOW VERSION shop", "SHOW TOTALS shop", "PAUSE shop x",
                           "SHOW POOLS a b", "SHUTDOWN WAIT_FOR_SERVERS x"}) {
    CHECK(client.error(text) ==
          "SERROR|C08P01|Minvalid command '" + std::string(text) + "', use SHOW HELP;|");
  }
}

TEST_CASE("SHOW FDS says that there are none to give, to those who might ask", "[show]") {
  FakeControl control;
  ConsoleClient client(control);
  CHECK(client.error("SHOW FDS") ==
        "SERROR|C0A000|MSHOW FDS is not available: descriptors are not given to other processes|");
  ConsoleClient reader(control, false);
  CHECK(reader.error("SHOW FDS") == "SERROR|C08P01|Madmin access needed|");
}

TEST_CASE("parameters that drivers ask for", "[show]") {
  FakeControl control;
  ConsoleClient client(control);
  CHECK(client.rows("SHOW client_encoding") == Rows{{"UTF-8"}});
  CHECK(client.rows("SHOW Default_Transaction_Isolation;") == Rows{{"read committed"}});
  CHECK(client.rows("SHOW standard_conforming_strings") == Rows{{"on"}});
  CHECK(client.rows("SHOW datestyle") == Rows{{"ISO"}});
  CHECK(client.rows("SELECT timezone") == Rows{{"GMT"}});
}

TEST_CASE("SHOW CONFIG is the table of settings", "[show]") {
  config::Config config;
  config.max_client_conn = 1234;
  config.patroni_password = "secret";
  FakeControl control(config);
  ConsoleClient client(control);
  const Rows rows = client.rows("SHOW CONFIG");
  CHECK(rows.size() > 80);
  CHECK(rows_named(rows, "max_client_conn") == Rows{{"max_client_conn", "1234", "100", "yes"}});
  CHECK(rows_named(rows, "listen_port") == Rows{{"listen_port", "6432", "6432", "no"}});
  CHECK(rows_named(rows, "auth_user") == Rows{{"auth_user", "NULL", "NULL", "yes"}});
  CHECK(rows_named(rows, "patroni_password") == Rows{{"patroni_password", "****", "", "yes"}});
}

TEST_CASE("SHOW DATABASES prints effective values, sorted, the console among them", "[show]") {
  config::Config config;
  config.default_pool_size = 7;
  config::Database& shop = config.databases["shop"];
  shop.name = "shop";
  shop.dbname = "shop_production";
  shop.hosts = {"db1", "db2"};
  shop.port = 5433;
  shop.user = "seller";
  shop.pool_mode = config::PoolMode::transaction;
  shop.max_db_connections = 50;
  shop.reserve_pool_size = 3;
  config.databases["mail"].name = "mail";
  FakeControl control(config);
  ConsoleClient client(control);
  control.shared().ledgers.database("shop")->disabled = true;
  control.shared().ledgers.database("shop")->clients.take();
  CHECK(client.rows("SHOW DATABASES") ==
        Rows{{"mail", "NULL", "5432", "mail", "NULL", "7", "0", "0", "3600", "NULL", "NULL", "0",
              "0", "0", "0", "0", "0"},
             {"pgbouncer", "NULL", "6432", "pgbouncer", "pgbouncer", "2", "0", "0", "3600",
              "statement", "NULL", "0", "0", "0", "1", "0", "0"},
             {"shop", "db1,db2", "5433", "shop_production", "seller", "7", "0", "3", "3600",
              "transaction", "round-robin", "50", "0", "0", "1", "0", "1"}});
}

TEST_CASE("SHOW USERS lists who is configured or connected", "[show]") {
  config::Config config;
  config::User& ann = config.users["ann"];
  ann.name = "ann";
  ann.pool_size = 5;
  ann.pool_mode = config::PoolMode::statement;
  ann.max_user_connections = 11;
  config.max_user_client_connections = 22;
  FakeControl control(config);
  ConsoleClient client(control);
  control.shared().ledgers.user("bob")->servers.take();
  control.shared().ledgers.user("stranger");  // was refused
  CHECK(client.rows("SHOW USERS") ==
        Rows{{"ann", "        5", "", "statement", "11", "0", "22", "1"},  // this console
             {"bob", "", "", "NULL", "0", "1", "22", "0"},
             {"pgbouncer", "", "", "NULL", "0", "0", "22", "0"}});
}

TEST_CASE("the console is a client, a pool and a database with counters", "[show]") {
  FakeControl control;
  ConsoleClient client(control);
  const Rows clients = client.rows("SHOW CLIENTS");
  REQUIRE(clients.size() == 1);
  const std::vector<std::string>& me = clients[0];
  const std::vector<std::string> start(me.begin(), me.begin() + 9);
  CHECK(start == std::vector<std::string>{"C", "ann", "pgbouncer", "none", "active", "unix", "6432",
                                          "unix", "6432"});
  const std::regex time("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\S+");
  CHECK(std::regex_match(me[9], time));
  CHECK(std::regex_match(me[10], time));
  const std::vector<std::string> end(me.begin() + 11, me.end());
  CHECK(end == std::vector<std::string>{"0", "0", "0", "0x000000000001", "",
                                        std::to_string(getpid()), "", "test", "0", "1"});
  ConsoleClient other(control);
  CHECK(client.rows("SHOW POOLS") ==
        Rows{{"pgbouncer", "pgbouncer", "2", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0",
              "0", "statement", "NULL"}});
  const Rows all = client.rows("SHOW CLIENTS");
  REQUIRE(all.size() == 2);
  CHECK(all[1][4] == "idle");
  CHECK(all[1][20] == "2");
  const Rows totals = client.rows("SHOW STATS_TOTALS");
  REQUIRE(totals.size() == 1);
  CHECK(totals[0][0] == "pgbouncer");
  CHECK(totals[0][2] == "1");  // only the first command of a connection counts
  CHECK(totals[0][3] == "1");
  CHECK(totals[0][12] == "2");
}

TEST_CASE("SHOW TOTALS and LISTS have fixed rows", "[show]") {
  FakeControl control({}, 1);
  ConsoleClient client(control);
  const std::vector<std::string> kNames = {"server_assignment_count",
                                           "xact_count",
                                           "query_count",
                                           "client_bytes",
                                           "server_bytes",
                                           "xact_time",
                                           "query_time",
                                           "wait_time",
                                           "ps_client_parse_count",
                                           "ps_server_parse_count",
                                           "ps_bind_count",
                                           "client_login_count"};
  const Rows totals = client.rows("SHOW TOTALS");
  REQUIRE(totals.size() == 24);
  for (size_t i = 0; i < 12; ++i) {
    CHECK(totals[i][0] == "total_" + kNames[i]);
    CHECK(totals[i + 12][0] == "avg_" + kNames[i]);
  }
  CHECK(client.rows("SHOW LISTS") == Rows{{"databases", "1"},
                                          {"users", "1"},
                                          {"peers", "0"},
                                          {"pools", "1"},
                                          {"peer_pools", "0"},
                                          {"free_clients", "0"},
                                          {"used_clients", "1"},
                                          {"login_clients", "0"},
                                          {"free_servers", "0"},
                                          {"used_servers", "0"},
                                          {"dns_names", "0"},
                                          {"dns_zones", "0"},
                                          {"dns_queries", "0"},
                                          {"dns_pending", "0"}});
  for (const auto& row : client.rows("SHOW MEM")) {
    CAPTURE(row[0]);
    CHECK(std::stoul(row[4]) == std::stoul(row[1]) * (std::stoul(row[2]) + std::stoul(row[3])));
    CHECK(std::stoul(row[1]) > 0);
  }
}

TEST_CASE("SHOW PEERS prints the default pool size where none is given", "[show]") {
  config::Config config;
  config.peers[2] = {2, "10.0.0.2", 6433, 9};
  config.peers[1] = {1, "10.0.0.1", 6432, std::nullopt};
  FakeControl control(config);
  ConsoleClient client(control);
  CHECK(client.rows("SHOW PEERS") ==
        Rows{{"1", "10.0.0.1", "6432", "20"}, {"2", "10.0.0.2", "6433", "9"}});
  CHECK(client.rows("SHOW PEER_POOLS") ==
        Rows{{"1", "0", "0", "0", "0"}, {"2", "0", "0", "0", "0"}});
}

}  // namespace remuda::admin::show_test
