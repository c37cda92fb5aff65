// Databases with several hosts: health, roles, lag, failover.
#include <algorithm>
#include <atomic>
#include <functional>
#include <set>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/load.h"
#include "support/patroni_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/replica_set.h"
#include "support/threads.h"

namespace remuda::test::hosts_test {
namespace {

// Shared by the cases, which leave it streaming.
ReplicaSet& replicas() {
  static ReplicaSet set;
  set.repair();
  return set;
}

constexpr const char* kChecks = R"(
health_check_user = trust_user
health_check_interval = 0.3
health_check_fast_interval = 0.05
health_check_timeout = 1
slow_start = 0
log_connections = 0
log_disconnections = 0
)";

// p0 on the primary, "reads" on the standbys, "mostly" on standbys if there are any.
std::string ini(ReplicaSet& set, const std::string& settings = "", const std::string& more = "") {
  const std::string hosts = set.hosts() + more;
  return ini_text(kChecks + settings,
                  "p0 = " + hosts + " target_session_attrs=primary\n" + "reads = " + hosts +
                      " dbname=p0 target_session_attrs=standby\n" + "mostly = " + hosts +
                      " dbname=p0 target_session_attrs=prefer-standby\n");
}

Record host(const Remuda& remuda, int port) {
  for (const auto& record : remuda.show("HOSTS")) {
    if (record.at("port") == std::to_string(port)) return record;
  }
  return {};
}

bool wait_host(const Remuda& remuda, const PostgresServer& server, const std::string& column,
               const std::string& value) {
  return eventually([&] {
    if (host(remuda, server.port())[column] == value) return true;
    std::this_thread::sleep_for(milliseconds(20));
    return false;
  });
}

bool wait_up(const Remuda& remuda, ReplicaSet& set) {
  return wait_host(remuda, set.primary(), "role", "primary") &&
         wait_host(remuda, set.primary(), "state", "up") &&
         wait_host(remuda, set.standby(0), "state", "up") &&
         wait_host(remuda, set.standby(1), "state", "up") &&
         wait_host(remuda, set.standby(0), "role", "standby") &&
         wait_host(remuda, set.standby(1), "role", "standby");
}

std::string port_of(Pq& client) {
  return client.value("SELECT inet_server_port()");
}

// Where clients of a database find themselves, of so many that hold a server at once.
std::set<std::string> ports(const Remuda& remuda, const std::string& dbname, int count) {
  std::vector<Pq> clients;
  std::set<std::string> found;
  for (int i = 0; i < count; ++i) {
    clients.push_back(remuda.connect(dbname));
    clients.back().exec("BEGIN");
    found.insert(port_of(clients.back()));
  }
  return found;
}

std::set<std::string> both_standbys(ReplicaSet& set) {
  return {std::to_string(set.standby(0).port()), std::to_string(set.standby(1).port())};
}

std::set<std::string> only(const PostgresServer& server) {
  return {std::to_string(server.port())};
}

bool wait_notice(Pq& client) {
  return eventually([&] {
    PQconsumeInput(client.raw());
    PQisBusy(client.raw());
    return client.notices().size() == 1;
  });
}

bool wait_failover_waiters(const Remuda& remuda, const std::string& dbname, int count) {
  return eventually([&] {
    for (const auto& record : remuda.show("WAITS " + dbname)) {
      if (record.at("reason") == "failover" && record.at("waiting") == std::to_string(count)) {
        return true;
      }
    }
    return false;
  });
}

}  // namespace

TEST_CASE("writes go to the primary and reads to the standbys") {
  ReplicaSet& set = replicas();
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  CHECK(ports(remuda, "p0", 3) == only(set.primary()));
  CHECK(ports(remuda, "reads", 4) == both_standbys(set));
  CHECK(ports(remuda, "mostly", 4) == both_standbys(set));
  // It may have been asked before the primary was.
  CHECK(wait_host(remuda, set.standby(0), "lag_bytes", "0"));
  Record record = host(remuda, set.standby(0).port());
  CHECK(record["host"] == "127.0.0.1");
  CHECK(record["lag_ms"] == "0");
  CHECK(record["timeline"] == host(remuda, set.primary().port())["timeline"]);
  CHECK(record["checks_failed"] == "0");
  CHECK(record["last_error"] == "(null)");
  CHECK(record["connections"] == "4");
  CHECK(record["weight"] == "1");
  CHECK(record["disabled"] == "0");
  CHECK(record["databases"] == "mostly,p0,reads");
}

TEST_CASE("C5 37 a client is not told of a role that another server may not have") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set));
  const auto hot_standby = [&](const char* dbname) {
    Pq client = remuda.connect(dbname);
    const char* value = PQparameterStatus(client.raw(), "in_hot_standby");
    return std::string(value ? value : "(unknown)");
  };
  CHECK(hot_standby("p0") == "off");
  CHECK(hot_standby("reads") == "on");
  CHECK(hot_standby("mostly") == "(unknown)");
}

TEST_CASE("a standby that stops, and one that comes back") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  REQUIRE(ports(remuda, "reads", 4) == both_standbys(set));
  set.standby(0).stop();
  CHECK(wait_host(remuda, set.standby(0), "state", "down"));
  CHECK(ports(remuda, "reads", 4) == only(set.standby(1)));
  CHECK(wait_host(remuda, set.standby(0), "last_error", "Connection refused"));
  CHECK(host(remuda, set.standby(0).port())["connections"] == "0");
  set.standby(0).start();
  REQUIRE(wait_up(remuda, set));
  CHECK(ports(remuda, "reads", 8) == both_standbys(set));
  CHECK(remuda.log().find("is down, a standby: ") != std::string::npos);
  CHECK(remuda.log().find("is up, a standby (was down, a standby for ") != std::string::npos);
}

TEST_CASE("a standby that stands still") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set, "health_check_timeout = 0.2"));
  REQUIRE(wait_up(remuda, set));
  set.standby(0).freeze();
  CHECK(wait_host(remuda, set.standby(0), "state", "down"));
  CHECK(host(remuda, set.standby(0).port())["last_error"] == "health_check_timeout");
  CHECK(ports(remuda, "reads", 4) == only(set.standby(1)));
  set.standby(0).thaw();
  CHECK(wait_up(remuda, set));
}

TEST_CASE("a standby that lags gets no more transactions") {
  ReplicaSet& set = replicas();
  set.primary().exec("DROP TABLE IF EXISTS noted; CREATE TABLE noted (n int)");
  REQUIRE(set.wait_streaming());
  const std::string limit = GENERATE("max_replica_lag_bytes = 1", "max_replica_lag = 0.5");
  Remuda remuda(ini(set, limit));
  REQUIRE(wait_up(remuda, set));
  REQUIRE(ports(remuda, "reads", 4) == both_standbys(set));
  set.standby(0).exec("SELECT pg_wal_replay_pause()");
  set.primary().exec("INSERT INTO noted VALUES (1)");
  CHECK(wait_host(remuda, set.standby(0), "state", "lagging"));
  CHECK(ports(remuda, "reads", 4) == only(set.standby(1)));
  CHECK(eventually([&] { return remuda.pool("reads").at("sv_idle") != "0"; }));
  CHECK(wait_host(remuda, set.standby(0), "connections", "0"));
  set.standby(0).exec("SELECT pg_wal_replay_resume()");
  CHECK(wait_up(remuda, set));
}

// It takes as long as the limit, which must be longer than a busy machine lets a check wait.
TEST_CASE("C5 37 nobody reads from a standby that is beyond the limit, while it falls behind") {
  ReplicaSet& set = replicas();
  Load::prepare(set.primary().address());
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set, "max_replica_lag = 2\nhealth_check_fast_interval = 0.25"));
  REQUIRE(wait_up(remuda, set));
  REQUIRE(ports(remuda, "reads", 4) == both_standbys(set));
  Load load(remuda, {.writes = "p0", .reads = "reads", .writers = 2, .readers = 6});
  set.standby(0).exec("SELECT pg_wal_replay_pause()");
  CHECK(wait_host(remuda, set.standby(0), "state", "lagging"));
  const uint64_t goal = load.reads() + 100;
  CHECK(eventually([&] { return load.reads() >= goal; }));
  set.standby(0).exec("SELECT pg_wal_replay_resume()");
  load.end();
  const double oldest = load.take_oldest_read();
  CHECK(oldest > 1000);
  CHECK(oldest < 2000);
  CHECK(load.take_errors().empty());
  CHECK(load.faults().empty());
  CHECK(wait_up(remuda, set));
}

TEST_CASE("C5 37 no standby: who wants one waits, who prefers one gets the primary for a while") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  Pq strict = remuda.connect("reads");
  set.standby(0).stop();
  set.standby(1).stop();
  REQUIRE(wait_host(remuda, set.standby(0), "state", "down"));
  REQUIRE(wait_host(remuda, set.standby(1), "state", "down"));
  Pq reader = remuda.connect("mostly");
  CHECK(port_of(reader) == std::to_string(set.primary().port()));
  strict.send("SELECT 'late'");
  CHECK(wait_failover_waiters(remuda, "reads", 1));
  set.standby(0).start();
  CHECK(strict.finish().at(0).at(0) == "late");
  // Those on the primary make way by themselves.
  const std::string home = std::to_string(set.standby(0).port());
  CHECK(eventually([&] { return port_of(reader) == home; }));
  set.standby(1).start();
  CHECK(wait_up(remuda, set));
}

TEST_CASE(
    "C5 37 the primary is down: reads go on, and hosts that are down at the start harm nobody") {
  ReplicaSet& set = replicas();
  Remuda before(ini(set));
  REQUIRE(wait_up(before, set));
  set.stop_primary();
  REQUIRE(wait_host(before, set.primary(), "state", "down"));
  Remuda after(ini(set));
  for (Remuda* remuda : {&before, &after}) {
    CHECK(ports(*remuda, "reads", 4) == both_standbys(set));
    CHECK(ports(*remuda, "mostly", 4) == both_standbys(set));
  }
  set.primary().start();
  CHECK(after.connect("p0").value("SELECT 1") == "1");
  CHECK(wait_up(before, set));
}

TEST_CASE("a switchover is a pause: who asks meanwhile waits, is told so, and is served") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set, "query_wait_notify = 5"));
  REQUIRE(wait_up(remuda, set));
  std::vector<Pq> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(remuda.connect("p0"));
  const std::string old_port = port_of(clients[0]);
  set.stop_primary();
  REQUIRE(wait_host(remuda, set.primary(), "state", "down"));
  for (Pq& client : clients) client.send("SELECT inet_server_port(), pg_is_in_recovery()");
  REQUIRE(wait_failover_waiters(remuda, "p0", 3));
  for (Pq& client : clients) REQUIRE(wait_notice(client));
  set.promote_standby();
  for (Pq& client : clients) {
    const Rows rows = client.finish();
    CHECK(rows.at(0).at(0) == std::to_string(set.primary().port()));
    CHECK(rows.at(0).at(1) == "f");
    REQUIRE(client.notices().size() == 1);
    CHECK(client.notices()[0].find("no host of database \"p0\" can serve at the moment") !=
          std::string::npos);
  }
  CHECK(wait_host(remuda, set.primary(), "role", "primary"));
  set.start_old_primary();
  REQUIRE(wait_up(remuda, set));
  CHECK(ports(remuda, "reads", 6) == both_standbys(set));
  CHECK(ports(remuda, "p0", 6) == only(set.primary()));
  CHECK(old_port != port_of(clients[0]));
}

TEST_CASE("a primary that is killed and comes back: what was asked is not asked again") {
  ReplicaSet& set = replicas();
  set.primary().exec("DROP TABLE IF EXISTS noted; CREATE TABLE noted (n int)");
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  Pq idle = remuda.connect("p0");
  Pq busy = remuda.connect("p0");
  Pq open = remuda.connect("p0");
  Pq ending = remuda.connect("p0");
  idle.exec("SELECT 1");
  open.exec("BEGIN; INSERT INTO noted VALUES (1)");
  ending.exec("BEGIN; INSERT INTO noted VALUES (2)");
  busy.send("SELECT pg_sleep(60)");
  ending.send("SELECT pg_sleep(60)");
  REQUIRE(remuda.wait_pool("p0", "sv_active", 3));
  set.primary().kill();
  const PqError in_flight = pq_error([&] { busy.finish(); });
  CHECK(in_flight.sqlstate == "08007");
  CHECK(in_flight.message.find("whether the statement in progress took effect is not known") !=
        std::string::npos);
  const PqError lost = pq_error([&] { ending.finish(); });
  CHECK(lost.sqlstate == "08007");
  CHECK(lost.message.find("its transaction was rolled back, unless") != std::string::npos);
  CHECK(open.wait_closed());
  CHECK(remuda.wait_log("the connection to it was lost; its transaction was rolled back\n"));
  idle.send("SELECT count(*) FROM noted");
  set.primary().start();
  CHECK(idle.finish().at(0).at(0) == "0");
  CHECK(wait_up(remuda, set));
  REQUIRE(set.wait_streaming());
}

TEST_CASE("on_demotion = kill ends transactions on a host that has lost its role") {
  ReplicaSet& set = replicas();
  const bool kills = GENERATE(true, false);
  Remuda remuda(ini(set, kills ? "on_demotion = kill" : ""));
  REQUIRE(wait_up(remuda, set));
  Pq reader = remuda.connect("reads");
  Pq other = remuda.connect("reads");
  reader.exec("BEGIN");
  other.exec("BEGIN");
  Pq& on_heir = port_of(reader) == std::to_string(set.standby(0).port()) ? reader : other;
  REQUIRE(port_of(on_heir) == std::to_string(set.standby(0).port()));
  set.switch_over();
  REQUIRE(wait_up(remuda, set));
  if (kills) {
    CHECK(on_heir.wait_closed());
  } else {
    CHECK(port_of(on_heir) == std::to_string(set.primary().port()));
    on_heir.exec("COMMIT");
    CHECK(port_of(on_heir) != std::to_string(set.primary().port()));
  }
}

TEST_CASE("a session ends between two transactions when its host has lost its role") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set, "", " pool_mode=session"));
  REQUIRE(wait_up(remuda, set));
  Pq one = remuda.connect("reads");
  Pq two = remuda.connect("reads");
  const std::string heir = std::to_string(set.standby(0).port());
  Pq& on_heir = port_of(one) == heir ? one : two;
  REQUIRE(port_of(on_heir) == heir);
  set.switch_over();
  CHECK(on_heir.wait_closed());
  CHECK(wait_up(remuda, set));
}

TEST_CASE("C5 37 nothing is written to a primary that another one has followed") {
  ReplicaSet& set = replicas();
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  Pq writer = remuda.connect("p0");
  const std::string before = port_of(writer);
  Pq open = remuda.connect("p0");
  open.exec("BEGIN; CREATE TABLE lost (n int)");
  PostgresServer& old = set.split();
  CHECK(wait_host(remuda, old, "state", "superseded"));
  // What it might commit there would be lost.
  CHECK(open.wait_closed());
  CHECK(remuda.wait_log("it is superseded, a primary; its transaction was rolled back"));
  CHECK(host(remuda, old.port())["role"] == "primary");
  CHECK(port_of(writer) == std::to_string(set.primary().port()));
  // Also when it comes back from the dead.
  old.stop();
  CHECK(wait_host(remuda, old, "state", "down"));
  old.start();
  CHECK(wait_host(remuda, old, "state", "superseded"));
  CHECK(ports(remuda, "p0", 4) == only(set.primary()));
  CHECK(before == std::to_string(old.port()));
  set.replace_standbys();
  REQUIRE(set.wait_streaming());
}

TEST_CASE("DISABLE HOST drains a host, ENABLE HOST brings it back") {
  ReplicaSet& set = replicas();
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  Pq reader = remuda.connect("reads");
  reader.exec("BEGIN");
  const bool is_first = port_of(reader) == std::to_string(set.standby(0).port());
  PostgresServer& here = set.standby(is_first ? 0 : 1);
  PostgresServer& there = set.standby(is_first ? 1 : 0);
  Pq console = remuda.console();
  console.exec("DISABLE HOST 127.0.0.1:" + std::to_string(here.port()));
  CHECK(host(remuda, here.port())["disabled"] == "1");
  CHECK(port_of(reader) == std::to_string(here.port()));
  reader.exec("COMMIT");
  CHECK(port_of(reader) == std::to_string(there.port()));
  CHECK(eventually([&] { return host(remuda, here.port())["connections"] == "0"; }));
  CHECK(ports(remuda, "reads", 4) == only(there));
  console.exec("ENABLE HOST '127.0.0.1:" + std::to_string(here.port()) + "'");
  CHECK(host(remuda, here.port())["disabled"] == "0");
  CHECK(ports(remuda, "reads", 8) == both_standbys(set));
  CHECK(pq_error([&] { console.exec("DISABLE HOST nowhere:1"); }).message ==
        "no such host: nowhere:1");
}

TEST_CASE("waiting for a host ends") {
  const std::string nobody = std::to_string(free_port());
  Remuda remuda(ini_text(std::string(kChecks) + "failover_wait_timeout = 0.5\n",
                         "p0 = host=127.0.0.1 target_session_attrs=primary port=" + nobody + "\n"));
  const PqError refused = remuda.refusal("p0");
  CHECK(refused.sqlstate == "57P03");
  CHECK(refused.message == "no host of database \"p0\" can serve: 127.0.0.1:" + nobody +
                               " is down: Connection refused");
}

namespace {

// A server that says of itself what `role` tells ("t": a standby), notes each check, and answers
// everything else by what `answer` makes of it.
FakeServer::Script checked_server(std::function<std::string()> role,
                                  std::function<std::string(const std::string&)> answer) {
  return [role, answer](FakePeer& peer) {
    const Parameters parameters = peer.login();
    const auto is_check = std::any_of(parameters.begin(), parameters.end(), [](const auto& entry) {
      return entry.second == "remuda health check";
    });
    if (!is_check) return peer.serve(answer);
    peer.note("check");
    while (peer.read().type != 'S') {
    }
    const std::string standby = role();
    const bool is_primary = standby == "f";
    peer.send(packet('1') + packet('2') + row_description({"r", "w", "e", "p", "a", "t", "s"}) +
              data_row({standby, is_primary ? "1000" : "", is_primary ? "" : "1000",
                        is_primary ? "" : "1000", "", is_primary ? "00000001" : "1", "42"}) +
              command_complete("SELECT 1") + ready());
    peer.read();
  };
}

std::string says_sql(const std::string& sql) {
  return sql;
}

int checks(const FakeServer& server) {
  const auto notes = server.notes();
  return static_cast<int>(std::count(notes.begin(), notes.end(), "check"));
}

std::string at(const FakeServer& server) {
  return "host=127.0.0.1 port=" + std::to_string(server.port());
}

}  // namespace

TEST_CASE("an entry with one host and no role is not checked, unless that is asked for") {
  FakeServer plain(checked_server([] { return "f"; }, says_sql));
  FakeServer asked(checked_server([] { return "f"; }, says_sql));
  Remuda remuda(
      ini_text(kChecks, "p0 = " + at(plain) + "\np1 = " + at(asked) + " health_check=1\n"));
  CHECK(eventually([&] { return checks(asked) >= 3; }));
  CHECK(plain.connections() == 0);
  CHECK(remuda.connect("p0").value("mine") == "mine");
  CHECK(remuda.connect("p1").value("mine") == "mine");
  CHECK(plain.connections() == 1);
  CHECK(remuda.show("HOSTS").size() == 1);
}

TEST_CASE("a host that takes connections and says nothing") {
  FakeServer silent([](FakePeer& peer) { peer.hang(); });
  Remuda remuda(ini_text(std::string(kChecks) + "health_check_timeout = 0.1\n",
                         "p0 = host=127.0.0.1,127.0.0.1 target_session_attrs=primary port=" +
                             std::to_string(silent.port()) + ",{pg_port}\n"));
  CHECK(remuda.connect("p0").value("SELECT inet_server_port()") ==
        std::to_string(postgres().port()));
  CHECK(eventually([&] { return host(remuda, silent.port())["state"] == "down"; }));
  CHECK(host(remuda, silent.port())["last_error"] == "health_check_timeout");
}

TEST_CASE(
    "a primary that says it is read-only is checked at once, as is one that ends connections") {
  const bool says_so = GENERATE(true, false);
  std::atomic<bool> is_standby{false};
  FakeServer server([&](FakePeer& peer) {
    const auto role = [&] { return is_standby ? "t" : "f"; };
    const auto answer = [&](const std::string& sql) -> std::string {
      if (!is_standby) return sql;
      if (!says_so) throw std::runtime_error("the end");
      peer.send(error_response("25006", "cannot execute it in a read-only transaction") + ready());
      peer.hang();
      return "";
    };
    checked_server(role, answer)(peer);
  });
  Remuda remuda(ini_text(std::string(kChecks) + "health_check_interval = 3600\n",
                         "p0 = " + at(server) + " target_session_attrs=primary\n"));
  Pq client = remuda.connect("p0");
  CHECK(client.value("mine") == "mine");
  is_standby = true;
  const PqError error = pq_error([&] { client.exec("write"); });
  CHECK(error.sqlstate == (says_so ? "25006" : "08007"));
  CHECK(eventually([&] { return host(remuda, server.port())["role"] == "standby"; }));
}

TEST_CASE("C5 38 hosts change under PAUSE, and RELOAD while clients come and go") {
  ReplicaSet& set = replicas();
  Remuda remuda(ini(set));
  REQUIRE(wait_up(remuda, set));
  Pq client = remuda.connect("p0");
  CHECK(port_of(client) == std::to_string(set.primary().port()));
  Pq console = remuda.console();
  console.exec("PAUSE p0");
  client.send("SELECT inet_server_port()");
  remuda.write_ini(ini_text(kChecks, "p0 = host=127.0.0.1 port={pg_port}\n"));
  remuda.reload();
  console.exec("RESUME p0");
  CHECK(client.finish().at(0).at(0) == std::to_string(postgres().port()));
  CHECK(remuda.show("HOSTS").empty());
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    for (int i = 0; i < 10; ++i) {
      remuda.write_ini(i % 2 == 0 ? ini(set)
                                  : ini_text(kChecks, "p0 = host=127.0.0.1 port={pg_port}\n"));
      remuda.reload();
    }
    done = true;
  });
  const auto failures = failures_of(8, [&](int) {
    while (!done) {
      Pq one = remuda.connect("p0");
      one.exec("SELECT 1");
    }
  });
  reloader.join();
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("what a configuration of hosts lacks is told") {
  const auto refused =
      failed_start(ini_text("",
                            "p0 = host=a,b target_session_attrs=primary\n"
                            "p1 = host=a target_session_attrs=standby health_check=0\n"));
  CHECK(refused.code == 1);
  CHECK(
      refused.output.find(
          "p0: health checks need a user (allowed: health_check_user, auth_user, or user here)") !=
      std::string::npos);
  CHECK(refused.output.find("p1: target_session_attrs: nobody can tell without health_check") !=
        std::string::npos);
}

TEST_CASE("clients that wait for a host are bounded in number and in what they send") {
  const bool by_number = GENERATE(true, false);
  std::atomic<bool> is_standby{false};
  FakeServer server(checked_server([&] { return is_standby ? "t" : "f"; }, says_sql));
  Remuda remuda(ini_text(std::string(kChecks) + (by_number ? "failover_wait_clients = 1\n"
                                                           : "failover_wait_bytes = 1000\n"),
                         "p0 = " + at(server) + " target_session_attrs=primary\n"));
  Pq first = remuda.connect("p0");
  Pq second = remuda.connect("p0");
  first.value("mine");
  is_standby = true;
  REQUIRE(eventually([&] { return host(remuda, server.port())["role"] == "standby"; }));
  first.send("first");
  REQUIRE(wait_failover_waiters(remuda, "p0", 1));
  const PqError refused = pq_error([&] { second.exec(std::string(5000, 'x')); });
  CHECK(refused.sqlstate == "53300");
  CHECK(refused.message ==
        (by_number ? "too many clients wait for a host" : "too much is waiting for a host"));
  is_standby = false;
  CHECK(first.finish().at(0).at(0) == "first");
}

namespace {

std::string member(const FakeServer& server, const std::string& role,
                   const std::string& more = "") {
  return R"({"name": "m)" + std::to_string(server.port()) + R"(", "host": "127.0.0.1", "port": )" +
         std::to_string(server.port()) + R"(, "role": ")" + role +
         R"(", "state": "running", "timeline": 1, "lag": 0)" + more + "}";
}

std::string members(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : ", ") + one;
  return R"({"members": [)" + text + "]}";
}

}  // namespace

TEST_CASE("hosts are those that Patroni tells, and stay so while it tells nothing") {
  const auto named = [](const char* name) { return [name](const std::string&) { return name; }; };
  FakeServer leader(checked_server([] { return "f"; }, named("leader")));
  FakeServer first(checked_server([] { return "t"; }, named("first")));
  FakeServer second(checked_server([] { return "t"; }, named("second")));
  PatroniServer patroni;
  patroni.answer(members({member(leader, "leader"), member(first, "replica")}));
  const std::string seed =
      "host=127.0.0.1 port=" + std::to_string(free_port()) + " patroni_urls=" + patroni.url();
  Remuda remuda(ini_text(std::string(kChecks) + "patroni_interval = 0.1\n",
                         "p0 = " + seed + " target_session_attrs=primary\n" + "p1 = " + seed +
                             " target_session_attrs=standby\n"));
  CHECK(remuda.connect("p0").value("who") == "leader");
  CHECK(remuda.connect("p1").value("who") == "first");
  CHECK(remuda.show("HOSTS").size() == 2);
  const auto serves_reads = [&](const char* name) {
    return eventually([&] { return remuda.connect("p1").value("who") == name; });
  };
  const std::string spared = R"(, "tags": {"noloadbalance": true})";
  patroni.answer(members(
      {member(leader, "leader"), member(first, "replica", spared), member(second, "replica")}));
  CHECK(eventually([&] { return remuda.show("HOSTS").size() == 3; }));
  CHECK(serves_reads("second"));
  patroni.answer_bytes("HTTP/1.0 200 OK\r\n\r\n{\"members\": 5}");
  CHECK(remuda.wait_log("Patroni"));
  CHECK(remuda.show("HOSTS").size() == 3);
  CHECK(remuda.connect("p0").value("who") == "leader");
  patroni.answer(members({member(leader, "leader"), member(first, "replica")}));
  CHECK(serves_reads("first"));
  CHECK(host(remuda, second.port()).empty());
}

}  // namespace remuda::test::hosts_test
