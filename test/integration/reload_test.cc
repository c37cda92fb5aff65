// A changed configuration takes effect while clients work; a broken one changes nothing.
#include <signal.h>

#include <atomic>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::reload_test {
namespace {

std::string setting(const Remuda& remuda, const std::string& key) {
  for (const auto& record : remuda.show("CONFIG")) {
    if (record.at("key") == key) return record.at("value");
  }
  return "(none)";
}

}  // namespace

TEST_CASE("SIGHUP changes a pool size and adds a database while 32 clients run") {
  const std::string p0 = "p0 = host=127.0.0.1 port={pg_port}\n";
  Remuda remuda(ini_text("default_pool_size = 2", p0));
  CHECK(remuda.refusal("p1").message == "no such database: p1");
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int round = 0; round < 5; ++round) {
      const std::string size = std::to_string(3 + round);
      remuda.write_ini(
          ini_text("default_pool_size = " + size, p0 + "p1 = host=127.0.0.1 port={pg_port}\n"));
      remuda.signal(SIGHUP);
      if (!eventually([&] { return setting(remuda, "default_pool_size") == size; })) break;
    }
    done = true;
  });
  const auto failures = failures_of(32, [&](int number) {
    Pq client = remuda.connect();
    const std::string mark = std::to_string(number);
    while (!done) {
      if (client.value("SELECT " + mark) != mark) throw std::runtime_error("a wrong answer");
    }
  });
  changer.join();
  CHECK(failures == std::vector<std::string>{});
  CHECK(setting(remuda, "default_pool_size") == "7");
  CHECK(remuda.connect("p1").value("SELECT 1") == "1");
  CHECK(remuda.log().find("got SIGHUP, re-reading config") != std::string::npos);
}

TEST_CASE("RELOAD with a broken file is refused and keeps what was") {
  Remuda remuda(ini_text("default_pool_size = 2"));
  Pq client = remuda.connect();
  remuda.write_ini(ini_text("default_pool_size = 5\nno_such_setting = 1\nlisten_backlog = many"));
  const auto refused = pq_error([&] { remuda.reload(); });
  CHECK(refused.message == "RELOAD failed, see logs for additional details");
  CHECK(refused.sqlstate == "F0000");
  CHECK(setting(remuda, "default_pool_size") == "2");
  // Both faults at once.
  CHECK(remuda.wait_log("no_such_setting"));
  CHECK(remuda.wait_log("listen_backlog"));
  CHECK(client.value("SELECT 1") == "1");

  remuda.write_ini(ini_text("default_pool_size = 5"));
  remuda.reload();
  CHECK(setting(remuda, "default_pool_size") == "5");
}

TEST_CASE("SIGHUP with a broken file is survived") {
  Remuda remuda(ini_text("default_pool_size = 2"));
  remuda.write_ini("this is no ini file");
  remuda.signal(SIGHUP);
  CHECK(remuda.wait_log("got SIGHUP"));
  CHECK(setting(remuda, "default_pool_size") == "2");
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("a setting dropped from the file returns to its default") {
  Remuda remuda(ini_text("query_wait_timeout = 7"));
  CHECK(setting(remuda, "query_wait_timeout") == "7");
  remuda.write_ini(ini_text());
  remuda.reload();
  CHECK(setting(remuda, "query_wait_timeout") == "120");
}

TEST_CASE("users and secrets are read again") {
  Remuda remuda(
      ini_text("auth_type = plain", "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n"),
      "\"postgres\" \"postgres\"\n\"ann\" \"old\"\n");
  CHECK(remuda.connect("p0", "ann", "old").value("SELECT 1") == "1");
  remuda.write_users("\"postgres\" \"postgres\"\n\"ann\" \"new\"\n\"bob\" \"builder\"\n");
  remuda.connect("pgbouncer", "postgres", "postgres").exec("RELOAD");
  CHECK(remuda.refusal("p0", "ann", "old").message == "password authentication failed");
  CHECK(remuda.connect("p0", "ann", "new").value("SELECT 1") == "1");
  CHECK(remuda.connect("p0", "bob", "builder").value("SELECT 1") == "1");
}

TEST_CASE("a database that moved gets new servers, and running transactions end where they began") {
  Remuda remuda(ini_text("", "here = host=127.0.0.1 port={pg_port} dbname=p0\n"));
  Pq idle = remuda.connect("here");
  CHECK(idle.value("SELECT current_database()") == "p0");
  Pq busy = remuda.connect("here");
  busy.exec("BEGIN");
  remuda.write_ini(ini_text("", "here = host=127.0.0.1 port={pg_port} dbname=p1\n"));
  remuda.reload();
  CHECK(busy.value("SELECT current_database()") == "p0");
  busy.exec("COMMIT");
  CHECK(busy.value("SELECT current_database()") == "p1");
  CHECK(idle.value("SELECT current_database()") == "p1");
}

TEST_CASE("a database dropped from the file is closed to its clients") {
  Remuda remuda;
  Pq client = remuda.connect("p1");
  CHECK(client.value("SELECT 1") == "1");
  remuda.write_ini(ini_text("", "p0 = host=127.0.0.1 port={pg_port}\n"));
  remuda.reload();
  CHECK(client.wait_closed());
  CHECK(remuda.refusal("p1").message == "no such database: p1");
  CHECK(remuda.connect("p0").value("SELECT 1") == "1");
}

TEST_CASE("an unchanged RELOAD closes no server") {
  Remuda remuda;
  Pq client = remuda.connect();
  const std::string pid = client.value("SELECT pg_backend_pid()");
  for (int i = 0; i < 3; ++i) remuda.reload();
  CHECK(client.value("SELECT pg_backend_pid()") == pid);
}

}  // namespace remuda::test::reload_test
