// Many clients of a pool that several workers serve, and all that the console can do to them at
// once: whoever is not killed gets the answer to what it asked.
#include <signal.h>

#include <atomic>
#include <future>
#include <random>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::lending_stress_test {
namespace {

int in_workers(const Remuda& remuda, const std::string& column) {
  int total = 0;
  for (const Record& row : remuda.show("WORKERS")) total += std::stoi(row.at(column));
  return total;
}

// What a client may be told that was killed, and no other.
bool is_expected(const PqError& error) {
  return error.message.find("admin forced disconnect") != std::string::npos;
}

// An error that arrives between two queries is a notice to libpq, and the next query meets the end.
void throw_what_came_before(const Pq& client) {
  for (const std::string& notice : client.notices()) {
    const PqError earlier("", notice);
    if (is_expected(earlier)) throw earlier;
  }
}

struct Crowd {
  std::atomic<bool> is_over{false};
  std::atomic<int> unique{0};
  std::atomic<int> answers{0};
  std::atomic<int> killed{0};
};

void check_value(Pq& client, Crowd& crowd) {
  const std::string number = std::to_string(++crowd.unique);
  const std::string value = client.value("SELECT " + number);
  if (value != number) throw std::runtime_error("asked for " + number + ", told " + value);
  ++crowd.answers;
}

void cancelled_query(Pq& client, Crowd& crowd) {
  client.send("SELECT pg_sleep(0.05)");
  client.cancel();
  const PqError error = pq_error([&] { client.finish(); });
  const bool is_fine = error.message == "no error" || error.sqlstate == "57014";
  if (!is_fine) throw error;
  ++crowd.answers;
}

void transaction(Pq& client, Crowd& crowd, std::mt19937& random) {
  client.exec("BEGIN");
  for (auto left = random() % 4; left > 0; --left) check_value(client, crowd);
  if (random() % 8 == 0) client.value("SELECT pg_sleep(0.01)");
  if (random() % 20 == 0) return client.close();
  client.exec(random() % 4 == 0 ? "ROLLBACK" : "COMMIT");
}

void ask_something(Pq& client, Crowd& crowd, std::mt19937& random, const std::string& name) {
  const auto what = random() % 16;
  if (what < 8) {
    check_value(client, crowd);
  } else if (what < 13) {
    transaction(client, crowd, random);
  } else if (what < 15) {
    const std::string seen = client.value("SHOW application_name");
    if (seen != name) throw std::runtime_error(name + " saw " + seen);
  } else {
    cancelled_query(client, crowd);
  }
}

// One connection's life.
void live(const Remuda& remuda, Crowd& crowd, std::mt19937& random, int number) {
  Pq client = remuda.connect();
  const std::string name = "client" + std::to_string(number);
  try {
    client.exec("SET application_name = '" + name + "'");
    while (!crowd.is_over && client.raw() != nullptr && random() % 60 != 0) {
      ask_something(client, crowd, random, name);
    }
  } catch (const PqError&) {
    throw_what_came_before(client);
    throw;
  }
}

void live_on(const Remuda& remuda, Crowd& crowd, int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  while (!crowd.is_over) {
    try {
      live(remuda, crowd, random, number);
    } catch (const PqError& error) {
      if (!is_expected(error)) throw;
      ++crowd.killed;
    }
  }
}

void kill_somebody(const Remuda& remuda, std::mt19937& random) {
  const auto clients = remuda.show("CLIENTS");
  if (clients.empty()) return;
  const Record& row = clients[random() % clients.size()];
  if (row.at("database") != "p0") return;
  // It may have gone by itself.
  pq_error([&] { remuda.console().exec("KILL_CLIENT " + row.at("id")); });
}

}  // namespace

TEST_CASE("many clients, and everything that the console can do to them") {
  constexpr int kClients = 64;
  const auto ini = [](int size) {
    return ini_text(
        "workers = 4\nmax_client_conn = 500\nlog_connections = 0\n"
        "log_disconnections = 0\nlog_pooler_errors = 0\ndefault_pool_size = " +
        std::to_string(size) + "\n");
  };
  Remuda remuda(ini(8));
  Crowd crowd;
  auto clients = std::async(std::launch::async, [&] {
    return failures_of(kClients, [&](int i) {
      try {
        live_on(remuda, crowd, i);
      } catch (...) {
        crowd.is_over = true;
        throw;
      }
    });
  });
  std::mt19937 random(1);
  int size = 8;
  // So many answers between two acts, so that each act meets traffic.
  constexpr int kBetween = 100;
  const auto traffic = [&] {
    const int before = crowd.answers;
    return eventually([&] { return crowd.is_over || crowd.answers >= before + kBetween; });
  };
  for (int round = 0; round < 30 && !crowd.is_over; ++round) {
    INFO("round " << round << ", pool of " << size);
    REQUIRE(traffic());
    switch (round % 5) {
      case 0:
        size = size == 8 ? 16 : size == 16 ? 4 : 8;
        remuda.write_ini(ini(size));
        remuda.reload();
        break;
      case 1:
        remuda.console().exec("RECONNECT");
        break;
      case 2:
        remuda.console().exec("PAUSE p0");
        CHECK(in_workers(remuda, "servers") == 0);
        remuda.console().exec("RESUME p0");
        break;
      case 3:
        for (int i = 0; i < 5; ++i) kill_somebody(remuda, random);
        break;
      default:
        REQUIRE(traffic());
        // Those above a lowered limit go as they become free.
        CHECK(eventually([&] { return postgres().backends("p0") <= size; }));
    }
  }
  crowd.is_over = true;
  CHECK(clients.get() == std::vector<std::string>());
  CHECK(crowd.killed > 0);
  CHECK(remuda.wait_pool("p0", "cl_waiting", 0));
  CHECK(in_workers(remuda, "lent") > 0);
  CHECK(in_workers(remuda, "lent") >= in_workers(remuda, "taken"));
  CHECK(eventually([&] { return postgres().backends("p0") <= size; }));
  remuda.signal(SIGTERM);
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("a fast exit in the middle of lending is a clean one") {
  Remuda remuda(
      ini_text("workers = 4\nmax_client_conn = 500\ndefault_pool_size = 16\n"
               "max_db_connections = 3\nlog_connections = 0\nlog_disconnections = 0\n"
               "log_pooler_errors = 0\n"));
  Crowd crowd;
  auto clients = std::async(std::launch::async, [&] {
    return failures_of(48, [&](int) {
      Pq client = remuda.connect();
      // Every connection ends with the pooler, and never by a wrong answer.
      pq_error([&] {
        while (true) check_value(client, crowd);
      });
    });
  });
  REQUIRE(eventually([&] { return in_workers(remuda, "lent") > 50; }));
  remuda.signal(SIGQUIT);
  CHECK(remuda.wait_exit() == 0);
  CHECK(clients.get() == std::vector<std::string>());
}

}  // namespace remuda::test::lending_stress_test
