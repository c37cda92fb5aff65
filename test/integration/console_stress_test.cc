// Whatever an operator may do, by two at once and under load: nobody gets a wrong answer, and
// afterwards every number that the console shows is back to what it was.
#include <atomic>
#include <future>
#include <random>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::console_stress_test {
namespace {

constexpr int kClients = 24;
const char* const kSettings =
    "workers = 2\nmax_client_conn = 200\ndefault_pool_size = 4\nlog_connections = 0\n"
    "log_disconnections = 0\nlog_pooler_errors = 0\n";

struct Load {
  std::atomic<bool> is_over{false};
  std::atomic<int> unique{0};
  std::atomic<int> answers{0};
  std::atomic<int> ended{0};  // connections that somebody ended
};

bool contains_any(const std::string& text, const std::vector<const char*>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

// What a client may be told, or libpq says of a connection that was ended between two queries.
bool is_ending(const PqError& error) {
  return contains_any(
      error.message,
      {"database removed", "admin forced disconnect", "is disabled", "server shutting down",
       "pooler is shutting down", "closed the connection", "no connection to the server",
       "could not receive", "could not send", "Connection reset", "Broken pipe",
       "Connection refused", "No such file or directory", "terminating connection"});
}

void check_value(Pq& client, Load& load) {
  const std::string number = std::to_string(++load.unique);
  const std::string value = client.value("SELECT " + number);
  if (value != number) throw std::runtime_error("asked for " + number + ", told " + value);
  ++load.answers;
}

void live(const Remuda& remuda, Load& load, std::mt19937& random) {
  Pq client = remuda.connect(random() % 2 ? "p0" : "p1", random() % 4 ? "postgres" : "trust_user");
  while (!load.is_over && random() % 40 != 0) {
    const auto what = random() % 8;
    if (what == 0) {
      client.exec("BEGIN");
      check_value(client, load);
      if (random() % 4 == 0) return;  // in the middle of it
      client.exec("COMMIT");
    } else if (what == 1) {
      client.send("SELECT pg_sleep(0.02)");
      client.cancel();
      const PqError error = pq_error([&] { client.finish(); });
      if (error.message != "no error" && error.sqlstate != "57014") throw error;
    } else {
      check_value(client, load);
    }
  }
}

std::vector<std::string> run_clients(const Remuda& remuda, Load& load) {
  return failures_of(kClients, [&](int number) {
    std::mt19937 random(static_cast<unsigned>(number));
    while (!load.is_over) {
      try {
        live(remuda, load, random);
      } catch (const PqError& error) {
        if (!is_ending(error)) {
          load.is_over = true;
          throw;
        }
        ++load.ended;
      } catch (...) {
        load.is_over = true;
        throw;
      }
    }
  });
}

// Two operators get into each other's way; nothing else may go wrong.
void command(Pq& console, const std::string& text) {
  const PqError error = pq_error([&] { console.exec(text); });
  const bool is_fine =
      error.message == "no error" ||
      contains_any(error.message, {"already suspended/paused", "not paused", "client not found",
                                   "PAUSE was ended by RESUME"});
  if (!is_fine) throw std::runtime_error(text + ": " + error.what());
}

void kill_somebody(const Remuda& remuda, Pq& console, std::mt19937& random) {
  const auto clients = remuda.show("CLIENTS p0");
  if (clients.empty()) return;
  command(console, "KILL_CLIENT " + clients[random() % clients.size()].at("id"));
}

void act(const Remuda& remuda, Pq& console, std::mt19937& random) {
  const std::vector<std::vector<const char*>> acts = {
      {"PAUSE", "RESUME"},
      {"PAUSE p0", "RESUME p0"},
      {"KILL", "RESUME p0", "RESUME p1"},
      {"KILL p1", "RESUME p1"},
      {"DISABLE p1", "ENABLE p1"},
      {"RECONNECT", "WAIT_CLOSE"},
      {"RECONNECT p0", "RELOAD"},
      {"SHOW POOLS", "SHOW CLIENTS", "SHOW SERVERS", "SHOW SOCKETS", "SHOW LISTS", "SHOW STATS"},
  };
  const auto which = random() % (acts.size() + 1);
  if (which == acts.size()) return kill_somebody(remuda, console, random);
  for (const char* text : acts[which]) command(console, text);
}

// Each act meets traffic.
void operate(const Remuda& remuda, Load& load, int number, int acts) {
  std::mt19937 random(static_cast<unsigned>(number));
  Pq console = remuda.console();
  for (int i = 0; i < acts && !load.is_over; ++i) {
    const int before = load.answers;
    eventually([&] { return load.is_over || load.answers > before + 20; });
    act(remuda, console, random);
  }
}

int sum_of(const std::vector<Record>& rows, const std::vector<const char*>& columns) {
  int sum = 0;
  for (const Record& row : rows) {
    const auto at = row.find("database");
    if (at != row.end() && at->second == "pgbouncer") continue;
    for (const char* column : columns) sum += std::stoi(row.at(column));
  }
  return sum;
}

int item(const Remuda& remuda, const std::string& list) {
  for (const Record& row : remuda.show("LISTS")) {
    if (row.at("list") == list) return std::stoi(row.at("items"));
  }
  return -1;
}

// Nobody but the console that asks is there.
void check_no_clients(const Remuda& remuda) {
  CHECK(eventually([&] { return item(remuda, "used_clients") == 1; }));
  CHECK(item(remuda, "login_clients") == 0);
  CHECK(remuda.show("CLIENTS").size() == 1);
  CHECK(eventually([&] {
    return sum_of(remuda.show("POOLS"),
                  {"cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req",
                   "sv_active", "sv_active_cancel", "sv_being_canceled", "sv_tested", "sv_login",
                   "maxwait", "maxwait_us"}) == 0;
  }));
  CHECK(eventually([&] {
    return sum_of(remuda.show("DATABASES"), {"current_client_connections", "paused", "disabled"}) ==
           0;
  }));
  CHECK(eventually(
      [&] { return sum_of(remuda.show("USERS"), {"current_client_connections"}) == 1; }));
}

void check_no_servers(const Remuda& remuda) {
  CHECK(eventually([&] { return item(remuda, "used_servers") == 0; }));
  CHECK(remuda.show("SERVERS").empty());
  CHECK(sum_of(remuda.show("DATABASES"), {"current_connections"}) == 0);
  CHECK(sum_of(remuda.show("USERS"), {"current_connections"}) == 0);
  CHECK(sum_of(remuda.show("POOLS"), {"sv_idle", "sv_used"}) == 0);
  CHECK(eventually([&] { return postgres().backends("p0") + postgres().backends("p1") == 0; }));
}

}  // namespace

TEST_CASE("whatever two operators do under load, all counters return to zero") {
  Remuda remuda(ini_text(kSettings));
  Load load;
  auto clients = std::async(std::launch::async, [&] { return run_clients(remuda, load); });
  const auto failures = failures_of(2, [&](int number) { operate(remuda, load, number + 1, 40); });
  // What one of them left behind because the other was in its way.
  Pq console = remuda.console();
  for (const char* text : {"RESUME", "RESUME p0", "RESUME p1"}) command(console, text);
  load.is_over = true;
  CHECK(clients.get() == std::vector<std::string>());
  CHECK(failures == std::vector<std::string>());
  CHECK(load.ended > 0);
  console.close();
  check_no_clients(remuda);
  CHECK(remuda.connect("p1").value("SELECT 1") == "1");
  remuda.console().exec("KILL");
  check_no_servers(remuda);
}

TEST_CASE("every SHUTDOWN under load is a clean one") {
  const std::string how = GENERATE("", " WAIT_FOR_SERVERS", " WAIT_FOR_CLIENTS");
  INFO("SHUTDOWN" << how);
  Remuda remuda(ini_text(kSettings));
  Load load;
  auto clients = std::async(std::launch::async, [&] { return run_clients(remuda, load); });
  eventually([&] { return load.is_over || load.answers > 500; });
  Pq console = remuda.console();
  console.send("SHUTDOWN" + how);
  // These answer at once, and the console would be one more client to wait for.
  if (how == " WAIT_FOR_CLIENTS") {
    console.finish();
    console.close();
  }
  CHECK(remuda.wait_exit() == 0);
  load.is_over = true;
  CHECK(clients.get() == std::vector<std::string>());
}

}  // namespace remuda::test::console_stress_test
