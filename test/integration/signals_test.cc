// What each signal does in each state, and the commands of the console that do the same.
#include <fmt/core.h>
#include <signal.h>

#include "support/catch.h"
#include "support/packet.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::signals_test {
namespace {

std::map<std::string, std::string> state_of(const Remuda& remuda) {
  std::map<std::string, std::string> state;
  for (const Record& row : remuda.show("STATE")) state[row.at("key")] = row.at("value");
  return state;
}

bool is_refused(const Remuda& remuda) {
  const std::string message = remuda.refusal("p0").message;
  return message.find("Connection refused") != std::string::npos;
}

Pq over_unix(const Remuda& remuda) {
  return Pq({.host = remuda.dir(), .port = remuda.port(), .dbname = "p0", .user = "postgres"});
}

}  // namespace

TEST_CASE("SIGHUP reads the configuration again") {
  Remuda remuda;
  remuda.write_ini(ini_text("query_wait_timeout = 77"));
  remuda.signal(SIGHUP);
  CHECK(remuda.wait_log("got SIGHUP, re-reading config"));
  CHECK(eventually([&] {
    for (const Record& row : remuda.show("CONFIG")) {
      if (row.at("key") == "query_wait_timeout") return row.at("value") == "77";
    }
    return false;
  }));
  // A bad file changes nothing, and the process goes on.
  remuda.write_ini(ini_text("query_wait_timeout = many"));
  remuda.signal(SIGHUP);
  CHECK(remuda.wait_log("configuration was not changed"));
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("SIGUSR1 pauses and SIGUSR2 resumes") {
  Remuda remuda;
  remuda.signal(SIGUSR2);
  CHECK(remuda.wait_log("got SIGUSR2, but not paused/suspended"));
  Pq client = remuda.connect();
  CHECK(client.value("SELECT 1") == "1");
  remuda.signal(SIGUSR1);
  CHECK(remuda.wait_log("got SIGUSR1, pausing all activity"));
  CHECK(remuda.wait_log("closing because: pause mode"));
  CHECK(state_of(remuda)["paused"] == "yes");
  remuda.signal(SIGUSR1);
  CHECK(remuda.wait_log("got SIGUSR1, but already paused/suspended"));
  client.send("SELECT 2");
  CHECK(remuda.wait_pool("p0", "cl_waiting", 1));
  remuda.signal(SIGUSR2);
  CHECK(client.finish()[0][0] == "2");
  CHECK(remuda.wait_log("got SIGUSR2, continuing from PAUSE"));
  CHECK(state_of(remuda)["active"] == "yes");
}

TEST_CASE("SIGQUIT ends at once, whatever runs") {
  Remuda remuda;
  Pq client = remuda.connect();
  client.send("SELECT pg_sleep(60)");
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  remuda.signal(SIGQUIT);
  CHECK(remuda.wait_exit() == 0);
  CHECK(remuda.wait_log("got SIGQUIT, fast exit"));
}

TEST_CASE("SIGINT waits for servers, and ends clients when they would need another") {
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  Pq idle = remuda.connect();
  remuda.signal(SIGINT);
  CHECK(remuda.wait_log(
      "got SIGINT, shutting down, waiting for all servers connections to be released"));
  CHECK(eventually([&] { return is_refused(remuda); }));
  // The console can be reached by the unix socket, and nobody else.
  CHECK(state_of(remuda)["paused"] == "yes");
  CHECK(pq_error([&] { over_unix(remuda); }).message.find("pooler is shutting down") !=
        std::string::npos);
  CHECK(pq_error([&] { remuda.console().exec("RESUME"); }).message == "pooler is shutting down");
  CHECK(pq_error([&] { idle.value("SELECT 1"); }).message.find("server shutting down") !=
        std::string::npos);
  CHECK(busy.value("SELECT 2") == "2");
  CHECK(remuda.running());
  busy.exec("COMMIT");
  CHECK(remuda.wait_exit() == 0);
  CHECK(remuda.wait_log("server connections dropped, exiting"));
}

TEST_CASE("SIGINT ends a client that waits already") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  Pq waiting = remuda.connect();
  waiting.send("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  remuda.signal(SIGINT);
  CHECK(pq_error([&] { waiting.finish(); }).message.find("server shutting down") !=
        std::string::npos);
  busy.exec("COMMIT");
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("SIGTERM waits for clients, who are served as before") {
  Remuda remuda;
  std::optional<Pq> client = remuda.connect();
  remuda.signal(SIGTERM);
  CHECK(remuda.wait_log("got SIGTERM, shutting down, waiting for all clients disconnect"));
  CHECK(eventually([&] { return is_refused(remuda); }));
  remuda.signal(SIGUSR2);
  CHECK(remuda.wait_log("got SIGUSR2 while shutting down, ignoring"));
  CHECK(client->value("SELECT 1") == "1");
  {
    // A console is waited for, too.
    Pq console = remuda.console();
    client.reset();
    CHECK(eventually([&] { return remuda.pool("p0").at("cl_active") == "0"; }));
    CHECK(console.exec("SHOW VERSION").size() == 1);
  }
  CHECK(remuda.wait_exit() == 0);
  CHECK(remuda.wait_log("client connections dropped, exiting"));
}

TEST_CASE("a second SIGINT or SIGTERM ends at once") {
  struct Signals {
    int first, second;
    const char* text;
  };
  for (const Signals& s : {Signals{SIGINT, SIGINT, "got SIGINT while shutting down, fast exit"},
                           Signals{SIGTERM, SIGTERM, "got SIGTERM while shutting down, fast exit"},
                           Signals{SIGTERM, SIGINT, "got SIGINT while shutting down, fast exit"}}) {
    CAPTURE(s.first, s.second);
    Remuda remuda;
    Pq client = remuda.connect();
    client.exec("BEGIN");
    remuda.signal(s.first);
    CHECK(remuda.wait_log("shutting down, waiting for"));
    CHECK(client.value("SELECT 1") == "1");
    remuda.signal(s.second);
    CHECK(remuda.wait_exit() == 0);
    CHECK(remuda.wait_log(s.text));
  }
}

TEST_CASE("the console's SHUTDOWN does what the signals do") {
  SECTION("at once") {
    Remuda remuda;
    Pq client = remuda.connect();
    client.exec("BEGIN");
    pq_error([&] { remuda.console().exec("SHUTDOWN"); });
    CHECK(remuda.wait_exit() == 0);
    CHECK(remuda.wait_log("SHUTDOWN command issued"));
  }
  SECTION("when servers are free, and a second command is not waited for") {
    Remuda remuda;
    Pq client = remuda.connect();
    client.exec("BEGIN");
    remuda.console().exec("SHUTDOWN WAIT_FOR_SERVERS");
    CHECK(client.value("SELECT 1") == "1");
    pq_error([&] { remuda.console().exec("SHUTDOWN"); });
    CHECK(remuda.wait_exit() == 0);
  }
  SECTION("when clients have left, though the pooler is paused") {
    Remuda remuda;
    std::optional<Pq> client = remuda.connect();
    remuda.console().exec("PAUSE");
    remuda.console().exec("SHUTDOWN WAIT_FOR_CLIENTS");
    client->send("SELECT 1");
    CHECK(remuda.wait_pool("p0", "cl_waiting", 1));
    client.reset();
    CHECK(remuda.wait_exit() == 0);
  }
}

TEST_CASE("SHUTDOWN WAIT_FOR_TRANSACTIONS ends clients at the end of their transaction") {
  const std::string mode = GENERATE("transaction", "session");
  CAPTURE(mode);
  Remuda remuda(ini_text("default_pool_size = 3\npool_mode = " + mode));
  const auto is_ended = [](Pq& client) {
    const PqError error = pq_error([&] { client.value("SELECT 1"); });
    return error.what() + std::string() ==
               "57P01: terminating connection due to administrator command" ||
           client.closed();
  };
  Pq in_transaction = remuda.connect();
  in_transaction.exec("BEGIN");
  Pq in_query = remuda.connect();
  in_query.send("SELECT pg_sleep(0.3)");
  Pq idle = remuda.connect();
  CHECK(idle.value("SELECT 1") == "1");
  Pq fourth = remuda.connect();
  if (mode == "session") {
    // All servers are taken: it waits, and is not made to wait for ever.
    fourth.send("SELECT 1");
    REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  }
  Pq console = remuda.console();
  console.exec("SHUTDOWN WAIT_FOR_TRANSACTIONS");
  CHECK(idle.wait_closed());
  CHECK(fourth.wait_closed());
  CHECK(in_query.finish().size() == 1);
  CHECK(in_query.wait_closed());
  CHECK(in_transaction.value("SELECT 2") == "2");
  CHECK(remuda.running());
  in_transaction.exec("COMMIT");
  CHECK(is_ended(in_transaction));
  // A console is not waited for.
  CHECK(remuda.wait_exit() == 0);
  CHECK(remuda.wait_log("pooler error: terminating connection due to administrator command"));
}

}  // namespace remuda::test::signals_test
