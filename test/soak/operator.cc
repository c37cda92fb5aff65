#include "soak/operator.h"

#include <stdexcept>

namespace remuda::soak {

using namespace test;

namespace {

constexpr const char* kTables[] = {
    "HELP",       "VERSION", "CONFIG",         "DATABASES", "POOLS",        "CLIENTS",
    "SERVERS",    "SOCKETS", "ACTIVE_SOCKETS", "STATS",     "STATS_TOTALS", "STATS_AVERAGES",
    "TOTALS",     "WAITS",   "WORKERS",        "USERS",     "LISTS",        "PEERS",
    "PEER_POOLS", "MEM",     "STATE",          "DNS_HOSTS", "DNS_ZONES",    "HOSTS"};

// More than any counter of ours, less than one that went below zero.
void check_counters(const Record& pool) {
  for (const auto& [column, value] : pool) {
    const bool is_counter = column.rfind("cl_", 0) == 0 || column.rfind("sv_", 0) == 0;
    if (is_counter && (value.size() > 3 || value[0] == '-'))
      throw std::runtime_error("SHOW POOLS tells " + column + " = " + value);
  }
}

// A span of time in which the operator disturbs.
class Disturbing {
 public:
  Disturbing(World& world, Cause cause, const std::string& database)
      : disturbances_(world.disturbances), number_(disturbances_.begin(cause, database)) {}
  ~Disturbing() { disturbances_.end(number_); }
  Disturbing(const Disturbing&) = delete;
  Disturbing& operator=(const Disturbing&) = delete;

 private:
  Disturbances& disturbances_;
  const size_t number_;
};

}  // namespace

Operator::Operator(World& world, Remuda& remuda, PostgresServer& server, Setup& setup,
                   unsigned seed)
    : world_(world), remuda_(remuda), server_(server), setup_(setup), random_(seed) {}

void Operator::act_quietly() {
  switch (random_() % 8) {
    case 0:
    case 1:
      return show_everything();
    case 2:
    case 3:
      return resize();
    case 4:
    case 5:
      return reconnect();
    case 6:
      return pause_one();
    default:
      return pause_all();
  }
}

void Operator::disturb() {
  switch (random_() % 12) {
    case 0:
    case 1:
      return kill_one();
    case 2:
      return kill_all();
    case 3:
    case 4:
    case 5:
      return kill_clients();
    case 6:
      return disable();
    case 7:
      return remove_database();
    case 8:
    case 9:
      return terminate_backends();
    default:
      return restart();
  }
}

void Operator::show_everything() {
  doing_ = "SHOW";
  for (const char* table : kTables) {
    const auto records = remuda_.show(table);
    if (table != std::string("POOLS")) continue;
    for (const Record& pool : records) check_counters(pool);
  }
}

void Operator::resize() {
  doing_ = "RELOAD with another pool_size";
  setup_.resize(any_database(), 1 + static_cast<int>(random_() % 8));
  apply();
}

void Operator::reconnect() {
  doing_ = "RECONNECT";
  const std::string argument = random_() % 3 == 0 ? "" : " " + any_database();
  remuda_.console().exec("RECONNECT" + argument);
  if (random_() % 2 == 0) return;
  doing_ = "WAIT_CLOSE";
  remuda_.console().exec("WAIT_CLOSE" + argument);
}

void Operator::pause_one() {
  doing_ = "PAUSE of a database";
  pause(" " + any_database());
}

void Operator::pause_all() {
  doing_ = "PAUSE";
  pause("");
}

// RESUME may come before PAUSE is through, and then ends it.
void Operator::pause(const std::string& argument) {
  Pq console = remuda_.console();
  console.send("PAUSE" + argument);
  wait_up_to(1000);
  remuda_.console().exec("RESUME" + argument);
  const auto results = console.all_results();
  for (const auto& result : results) {
    if (sqlstate_of(result.get()) != "57014") check_result(result.get());
  }
}

void Operator::kill_one() {
  doing_ = "KILL of a database";
  const std::string database = any_database();
  const Disturbing disturbing(world_, Cause::kill, database);
  remuda_.console().exec("KILL " + database);
  wait_up_to(300);
  remuda_.console().exec("RESUME " + database);
}

void Operator::kill_all() {
  doing_ = "KILL";
  const Disturbing disturbing(world_, Cause::kill, "");
  remuda_.console().exec("KILL");
  wait_up_to(300);
  for (const Entry& entry : entries()) resume_if_paused(entry.database);
}

// KILL takes only databases that have a pool.
void Operator::resume_if_paused(const std::string& database) {
  const PqError error = pq_error([&] { remuda_.console().exec("RESUME " + database); });
  const bool is_fine =
      error.message == "no error" || error.message.find("is not paused") != std::string::npos;
  if (!is_fine) throw error;
}

void Operator::kill_clients() {
  doing_ = "KILL_CLIENT";
  const auto clients = remuda_.show("CLIENTS");
  for (int i = 0; i < 3; ++i) {
    const Record& client = clients[random_() % clients.size()];
    const std::string& name = client.at("application_name");
    if (client.at("database") == "pgbouncer") continue;
    world_.disturbances.kill_client(name.substr(0, name.find('.') + 1));
    // It may have gone by itself.
    const PqError error =
        pq_error([&] { remuda_.console().exec("KILL_CLIENT " + client.at("id")); });
    if (error.message != "no error" && error.message != "client not found") throw error;
  }
}

void Operator::disable() {
  doing_ = "DISABLE";
  const std::string database = any_database();
  const Disturbing disturbing(world_, Cause::disable, database);
  remuda_.console().exec("DISABLE " + database);
  wait_up_to(300);
  remuda_.console().exec("ENABLE " + database);
}

void Operator::remove_database() {
  doing_ = "RELOAD without a database";
  const Disturbing disturbing(world_, Cause::remove, "extra");
  setup_.set_extra(false);
  apply();
  wait_up_to(500);
  setup_.set_extra(true);
  apply();
}

void Operator::terminate_backends() {
  doing_ = "pg_terminate_backend";
  const Disturbing disturbing(world_, Cause::terminate, "");
  server_.exec(
      "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE backend_type "
      "= 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3) AS chosen");
}

void Operator::restart() {
  doing_ = "a restart of PostgreSQL";
  const Disturbing disturbing(world_, Cause::restart, "");
  server_.stop(random_() % 2 == 0 ? PostgresServer::Stop::fast : PostgresServer::Stop::immediate);
  wait_up_to(300);
  server_.start();
}

std::string Operator::any_database() {
  return entries()[random_() % entries().size()].database;
}

void Operator::wait_up_to(unsigned most) {
  std::this_thread::sleep_for(milliseconds(random_() % most));
}

void Operator::apply() {
  remuda_.write_ini(setup_.ini());
  remuda_.reload();
}

}  // namespace remuda::soak
