// SUSPEND: sockets fall silent at the boundaries of messages, and RESUME goes on.
#include <fmt/core.h>
#include <signal.h>

#include "support/catch.h"
#include "support/packet.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::suspend_test {
namespace {

bool is_suspended(Pq& console) {
  for (const Row& row : console.exec("SHOW STATE")) {
    if (row[0] == "suspended") return row[1] == "yes";
  }
  return false;
}

// Over a console that is there already: nobody is accepted while suspended.
bool somebody_waits(Pq& console) {
  constexpr size_t kClientsWaiting = 3;
  for (const Row& row : console.exec("SHOW POOLS")) {
    if (row[kClientsWaiting] != "0") return true;
  }
  return false;
}

// Nothing has come of what was sent, though the process has answered others meanwhile.
bool is_silent(Pq& client) {
  PQconsumeInput(client.raw());
  return PQisBusy(client.raw()) == 1;
}

}  // namespace

TEST_CASE("SUSPEND silences clients and servers, and RESUME lets them go on") {
  Remuda remuda;
  Pq in_transaction = remuda.connect();
  in_transaction.exec("BEGIN");
  Pq idle = remuda.connect();
  Pq console = remuda.console();
  console.exec("SUSPEND");
  CHECK(is_suspended(console));
  CHECK(pq_error([&] { console.exec("SUSPEND"); }).message == "already suspended/paused");
  CHECK(pq_error([&] { console.exec("PAUSE"); }).message == "already suspended/paused");
  CHECK(pq_error([&] { console.exec("KILL"); }).message == "already suspended/paused");
  idle.send("SELECT 1");
  in_transaction.send("SELECT 2");
  // Half a second is what maintenance needs to look at everything once.
  RawClient knocking(remuda.port());
  knocking.send(startup({{"user", "postgres"}, {"database", "p0"}}));
  CHECK(knocking.silent(milliseconds(500)));
  CHECK(is_silent(idle));
  CHECK(is_silent(in_transaction));
  console.exec("RESUME");
  CHECK_FALSE(is_suspended(console));
  CHECK(idle.finish()[0][0] == "1");
  CHECK(in_transaction.finish()[0][0] == "2");
  CHECK(knocking.read().type == 'R');
  in_transaction.exec("COMMIT");
  CHECK(remuda.connect().value("SELECT 3") == "3");
}

TEST_CASE("SUSPEND waits for those who queue, and leaves the answers of running queries behind") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  Pq running = remuda.connect();
  running.send("SELECT pg_sleep(0.4)");
  REQUIRE(remuda.wait_pool("p0", "sv_active", 1));
  Pq waiting = remuda.connect();
  waiting.send("SELECT 'served'");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  Pq console = remuda.console();
  console.exec("SUSPEND");
  // The one that waited has its server, and the one before has its answer.
  CHECK_FALSE(somebody_waits(console));
  running.finish();
  console.exec("RESUME");
  CHECK(waiting.finish()[0][0] == "served");
}

TEST_CASE("what is still half-way after suspend_timeout is closed") {
  Remuda remuda(ini_text("suspend_timeout = 1"));
  RawClient half(remuda.port(), "postgres", "p0");
  // The head of a query, and not its end.
  half.send(query("SELECT 1").substr(0, 8));
  Pq whole = remuda.connect();
  Pq console = remuda.console();
  console.exec("SUSPEND");
  CHECK(notice_fields(half.read())['M'] == "suspend_timeout");
  console.exec("RESUME");
  CHECK(whole.value("SELECT 1") == "1");
}

TEST_CASE("SUSPEND is refused while a database is paused") {
  Remuda remuda;
  Pq console = remuda.console();
  console.exec("PAUSE p1");
  CHECK(pq_error([&] { console.exec("SUSPEND"); }).message ==
        "cannot suspend with paused databases");
}

TEST_CASE("SUSPEND ends when the last console leaves") {
  Remuda remuda;
  Pq client = remuda.connect();
  {
    Pq console = remuda.console();
    console.exec("SUSPEND");
    client.send("SELECT 1");
  }
  CHECK(client.finish()[0][0] == "1");
  CHECK(remuda.wait_log("admin disappeared when suspended, doing RESUME"));
}

TEST_CASE("signals while suspended") {
  Remuda remuda;
  Pq console = remuda.console();
  console.exec("SUSPEND");
  remuda.signal(SIGUSR1);
  CHECK(remuda.wait_log("got SIGUSR1, but already paused/suspended"));
  remuda.signal(SIGUSR2);
  CHECK(remuda.wait_log("got SIGUSR2, continuing from SUSPEND"));
  CHECK(remuda.connect().value("SELECT 1") == "1");
  console.exec("SUSPEND");
  remuda.signal(SIGQUIT);
  CHECK(remuda.wait_exit() == 0);
}

TEST_CASE("a signal to shut down while suspended ends at once, and badly") {
  for (const int number : {SIGINT, SIGTERM}) {
    TempDir dir;
    const int port = free_port();
    const std::string file = dir.file("remuda.ini");
    write_file(file, fmt::format("[databases]\n[remuda]\nlisten_addr =\nlisten_port = {}\n"
                                 "unix_socket_dir = {}\nadmin_users = postgres\n"
                                 "auth_type = trust\nauth_file = {}\n",
                                 port, dir.path(), dir.file("users")));
    write_file(dir.file("users"), kUserList);
    Process process({.argv = {remuda_program(), file}, .output = dir.file("output")});
    REQUIRE(eventually(
        [&] { return read_file(dir.file("output")).find("process up") != std::string::npos; }));
    Pq console({.host = dir.path(), .port = port, .dbname = "pgbouncer", .user = "postgres"});
    console.exec("SUSPEND");
    process.signal(number);
    CHECK(process.wait_exit() == 1);
    CHECK(read_file(dir.file("output")).find("suspend was in progress, going down immediately") !=
          std::string::npos);
  }
}

}  // namespace remuda::test::suspend_test
