// What Patroni does to its cluster, under load: the real one, where it is installed.
#include <cstdio>
#include <cstdlib>

#include "failover/patroni_cluster.h"
#include "support/catch.h"
#include "support/load.h"

namespace remuda::test::patroni_test {
namespace {

constexpr int kSkipped = 77;
constexpr int kWriters = 4;
constexpr int kReaders = 4;

std::string ini(const PatroniCluster& cluster) {
  const std::string entry = "host=127.0.0.1 port=" + std::to_string(cluster.port(0)) +
                            " dbname=p0 patroni_urls=" + cluster.urls();
  return ini_text(
      "health_check_user = postgres\nlog_connections = 0\nlog_disconnections = 0\n"
      "patroni_interval = 0.5\nhealth_check_timeout = 5\n",
      "myapp = " + entry + " target_session_attrs=primary\n" + "myapp_readonly = " + entry +
          " target_session_attrs=standby\n");
}

void run_for(Load& load, uint64_t commits) {
  const uint64_t goal = load.commits() + commits;
  REQUIRE(eventually([&] { return load.commits() >= goal; }));
}

void read_for(Load& load, uint64_t reads) {
  const uint64_t goal = load.reads() + reads;
  REQUIRE(eventually([&] { return load.reads() >= goal; }));
}

void print(const char* what, Load& load) {
  std::printf("  longest pause: writers %.0f ms, readers %.0f ms\n", load.take_longest_pause(true),
              load.take_longest_pause(false));
  int count = 0;
  for (const auto& [text, times] : load.take_errors()) {
    std::printf("  %d x %s\n", times, text.c_str());
    count += times;
  }
  std::printf("  %s: %d errors\n", what, count);
  std::fflush(stdout);
}

// SHOW HOSTS has all three up, and this one as the only primary.
bool follows(const Remuda& remuda, const PatroniCluster& cluster, size_t leader) {
  return eventually([&] {
    const std::vector<Record> hosts = remuda.show("HOSTS");
    size_t right = 0;
    for (const Record& host : hosts) {
      const bool leads = host.at("port") == std::to_string(cluster.port(leader));
      right += host.at("state") == "up" && host.at("role") == (leads ? "primary" : "standby");
    }
    return hosts.size() == PatroniCluster::kMembers && right == hosts.size();
  });
}

// Prints how long after the heir's promotion the first commit is answered. Returns after it.
void measure(Load& load, const PatroniCluster& cluster, size_t heir, Clock::time_point begun) {
  Pq asking(cluster.address(heir, "postgres"));
  REQUIRE(eventually([&] { return asking.value("SELECT pg_is_in_recovery()") == "f"; }));
  const auto promoted = Clock::now();
  const auto first = load.first_commit();
  std::printf("  promoted after %.0f ms, first commit %+.0f ms later\n",
              ms_between(begun, promoted), ms_between(promoted, first));
}

void switch_over(PatroniCluster& cluster, Load& load, const Remuda& remuda) {
  std::printf("switchover\n");
  const auto begun = Clock::now();
  load.expect_commit_at(cluster.port(1));
  HttpRequest request =
      cluster.request(0, "POST", "/switchover", R"({"leader": "a", "candidate": "b"})");
  measure(load, cluster, 1, begun);
  CHECK(request.status() == 200);
  cluster.wait_for("/sync", 0);
  REQUIRE(follows(remuda, cluster, 1));
  run_for(load, 200);
  print("switchover", load);
  CHECK(load.take_needless() == 0);
}

void lose_leader(PatroniCluster& cluster, Load& load, const Remuda& remuda) {
  std::printf("kill -9 of the leader\n");
  const auto begun = Clock::now();
  load.expect_commit_at(cluster.port(0));
  cluster.kill(1);
  measure(load, cluster, 0, begun);
  run_for(load, 200);
  cluster.start(1);
  cluster.wait_for("/sync", 1);
  REQUIRE(follows(remuda, cluster, 0));
  run_for(load, 200);
  print("kill -9", load);
  load.take_needless();
}

void pause(PatroniCluster& cluster, Load& load, const Remuda& remuda) {
  std::printf("pause\n");
  REQUIRE(cluster.request(0, "PATCH", "/config", R"({"pause": true})").status() == 200);
  REQUIRE(remuda.wait_log("Patroni pauses"));
  run_for(load, 200);
  REQUIRE(follows(remuda, cluster, 0));
  REQUIRE(cluster.request(0, "PATCH", "/config", R"({"pause": false})").status() == 200);
  REQUIRE(remuda.wait_log("Patroni goes on"));
  run_for(load, 200);
  print("pause", load);
  CHECK(load.take_needless() == 0);
}

void spare(PatroniCluster& cluster, Load& load) {
  std::printf("noloadbalance\n");
  const int spared = cluster.port(2);
  const uint64_t before = load.reads_at(spared);
  REQUIRE(eventually([&] { return load.reads_at(spared) > before; }));
  cluster.set_tags(2, "nofailover: true, nosync: true, noloadbalance: true");
  REQUIRE(eventually([&] {
    const uint64_t had = load.reads_at(spared);
    read_for(load, 100);
    return load.reads_at(spared) == had;
  }));
  const uint64_t had = load.reads_at(spared);
  read_for(load, 1000);
  CHECK(load.reads_at(spared) == had);
  print("noloadbalance", load);
  CHECK(load.take_needless() == 0);
}

}  // namespace

TEST_CASE("a cluster of Patroni's: switchover, a leader that is killed, pause, noloadbalance") {
  if (const std::string missing = PatroniCluster::missing(); !missing.empty()) {
    std::printf("skipped, as these packages are not installed:%s\n", missing.c_str());
    std::exit(kSkipped);
  }
  PatroniCluster cluster;
  Load::prepare(cluster.address(0));
  Remuda remuda(ini(cluster));
  REQUIRE(follows(remuda, cluster, 0));
  Load load(
      remuda,
      {.writes = "myapp", .reads = "myapp_readonly", .writers = kWriters, .readers = kReaders});
  run_for(load, 200);
  print("before", load);
  CHECK(load.take_needless() == 0);
  switch_over(cluster, load, remuda);
  lose_leader(cluster, load, remuda);
  pause(cluster, load, remuda);
  spare(cluster, load);
  load.end();
  CHECK(load.faults() == std::vector<std::string>{});
  const Load::Audit audit = load.audit(cluster.address(0));
  std::printf("%lu transfers, %d of unknown fate, %lu reads\n",
              static_cast<unsigned long>(load.commits()), audit.unknown,
              static_cast<unsigned long>(load.reads()));
  CHECK(audit.lost == 0);
  CHECK(audit.undead == 0);
  CHECK(Pq(cluster.address(0)).value("SELECT sum(balance) FROM account") == "0");
}

}  // namespace remuda::test::patroni_test
