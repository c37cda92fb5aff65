// Planned switchovers, a primary that is killed, and the price of the checks, under load. Prints
// what was measured; fails if money or acknowledged transfers are lost.
#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <sstream>

#include "support/catch.h"
#include "support/load.h"
#include "support/replica_set.h"
#include "support/threads.h"

namespace remuda::test::failover_test {
namespace {

constexpr int kWriters = 32;
constexpr int kReaders = 32;
constexpr int kMaxLag = 10;  // seconds

std::string ini(const ReplicaSet& set) {
  return ini_text(
      "health_check_user = trust_user\nlog_connections = 0\nlog_disconnections = 0\n"
      "server_login_retry = 15\nmax_client_conn = 200\nmax_replica_lag = " +
          std::to_string(kMaxLag) + "\n",
      "myapp = " + set.hosts() + " dbname=p0 target_session_attrs=primary\n" +
          "myapp_readonly = " + set.hosts() + " dbname=p0 target_session_attrs=standby\n");
}

void print(const char* what, Load& load) {
  std::printf("  longest pause: writers %.0f ms, readers %.0f ms\n", load.take_longest_pause(true),
              load.take_longest_pause(false));
  const double oldest = load.take_oldest_read();
  std::printf("  oldest thing read: %.0f ms\n", oldest);
  CHECK(oldest < kMaxLag * 1000);
  for (const auto& [text, count] : load.take_errors()) {
    std::printf("  %s: %d x %s\n", what, count, text.c_str());
  }
  std::fflush(stdout);
}

// Returns when so many more transfers are done.
void run_for(Load& load, uint64_t commits) {
  const uint64_t goal = load.commits() + commits;
  REQUIRE(eventually([&] { return load.commits() >= goal; }));
}

// Most of the readers are there.
PostgresServer& busiest_standby(ReplicaSet& set, const Remuda& remuda) {
  int most = -1;
  PostgresServer* found = nullptr;
  for (const Record& record : remuda.show("HOSTS")) {
    for (const size_t number : {0u, 1u}) {
      PostgresServer& standby = set.standby(number);
      const int connections = std::stoi(record.at("connections"));
      if (record.at("port") != std::to_string(standby.port()) || connections <= most) continue;
      most = connections;
      found = &standby;
    }
  }
  return *found;
}

std::string state_of(const Remuda& remuda, const PostgresServer& server) {
  for (const Record& record : remuda.show("HOSTS")) {
    if (record.at("port") == std::to_string(server.port())) return record.at("state");
  }
  return "";
}

// How the primary ends.
enum class Way { fast, smart, drained };

void switch_over(ReplicaSet& set, Load& load, const Remuda& remuda, Way way) {
  constexpr const char* kNames[] = {"", ", smart", " with DISABLE HOST"};
  const bool drained = way == Way::drained;
  const std::string old = "127.0.0.1:" + std::to_string(set.primary().port());
  const auto begun = Clock::now();
  if (drained) {
    remuda.console().exec("DISABLE HOST " + old);
    REQUIRE(eventually([&] {
      for (const Record& record : remuda.show("HOSTS")) {
        if (record.at("disabled") == "1") return record.at("connections") == "0";
      }
      return false;
    }));
  }
  using Stop = PostgresServer::Stop;
  set.stop_primary(way == Way::smart ? Stop::smart : Stop::fast);
  const auto stopped = Clock::now();
  load.expect_commit_at(set.standby(0).port());
  set.promote_standby();
  const auto promoted = Clock::now();
  const auto first = load.first_commit();
  std::printf(
      "switchover%s: drain and stop %.0f ms, promotion %.0f ms, first commit %+.0f ms later\n",
      kNames[static_cast<size_t>(way)], ms_between(begun, stopped), ms_between(stopped, promoted),
      ms_between(promoted, first));
  CHECK(ms_between(promoted, first) < 1000);
  set.start_old_primary();
  if (drained) remuda.console().exec("ENABLE HOST " + old);
  run_for(load, 500);
  print("errors", load);
  // Planned: only a transaction that was open may have met it.
  CHECK(load.take_needless() == 0);
  if (way != Way::fast) CHECK(load.take_count() == 0);
  load.take_count();
}

// A standby stands still for longer than it may be behind, while the others read on.
void fall_behind(ReplicaSet& set, Load& load, const Remuda& remuda) {
  PostgresServer& standby = busiest_standby(set, remuda);
  standby.exec("SELECT pg_wal_replay_pause()");
  const auto paused = Clock::now();
  REQUIRE(eventually([&] { return state_of(remuda, standby) == "lagging"; }));
  std::printf("a standby that stands still: out of use after %.0f ms\n",
              ms_between(paused, Clock::now()));
  run_for(load, 500);
  standby.exec("SELECT pg_wal_replay_resume()");
  REQUIRE(eventually([&] { return state_of(remuda, standby) == "up"; }));
  print("errors", load);
  CHECK(load.take_needless() == 0);
}

// It takes connections, and says nothing.
void fall_silent(ReplicaSet& set, Load& load, const Remuda& remuda) {
  PostgresServer& standby = busiest_standby(set, remuda);
  standby.freeze();
  const auto frozen = Clock::now();
  REQUIRE(eventually([&] { return state_of(remuda, standby) == "down"; }));
  std::printf("a standby that is frozen: known to be down after %.0f ms\n",
              ms_between(frozen, Clock::now()));
  standby.thaw();
  REQUIRE(eventually([&] { return state_of(remuda, standby) == "up"; }));
  run_for(load, 500);
  print("errors", load);
}

// Nanoseconds of processor time of all threads of a process.
double cpu_of(pid_t pid) {
  double sum = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::istringstream text(read_file(task.path() / "schedstat"));
    double used = 0;
    text >> used;
    sum += used;
  }
  return sum;
}

// Microseconds of remuda's per query.
double cost(const Remuda& remuda, int clients, int queries) {
  const double before = cpu_of(remuda.pid());
  const auto failures = failures_of(clients, [&](int) {
    Pq connection = remuda.connect("p0");
    for (int i = 0; i < queries; ++i) connection.exec("SELECT 1");
  });
  REQUIRE(failures.empty());
  return (cpu_of(remuda.pid()) - before) / 1000 / clients / queries;
}

}  // namespace

TEST_CASE("five switchovers and a primary that is killed") {
  ReplicaSet set;
  Load::prepare(set.primary().address());
  REQUIRE(set.wait_streaming());
  Remuda remuda(ini(set));
  Load load(
      remuda,
      {.writes = "myapp", .reads = "myapp_readonly", .writers = kWriters, .readers = kReaders});
  run_for(load, 2000);
  print("errors before", load);
  for (int i = 0; i < 5; ++i) switch_over(set, load, remuda, Way::fast);
  for (int i = 0; i < 2; ++i) switch_over(set, load, remuda, Way::smart);
  for (int i = 0; i < 2; ++i) switch_over(set, load, remuda, Way::drained);
  fall_behind(set, load, remuda);
  fall_silent(set, load, remuda);
  load.take_needless();
  const auto killed = Clock::now();
  set.primary().kill();
  REQUIRE(eventually([&] { return state_of(remuda, set.primary()) == "down"; }));
  const double noticed = ms_between(killed, Clock::now());
  std::printf("kill -9: known to be down after %.0f ms\n", noticed);
  CHECK(noticed < 3000);
  set.primary().start();
  const auto back = Clock::now();
  run_for(load, 1);
  std::printf("  first commit %.0f ms after its return\n", ms_between(back, Clock::now()));
  run_for(load, 500);
  print("errors", load);
  load.end();
  std::printf("%lu transfers, %lu reads\n", static_cast<unsigned long>(load.commits()),
              static_cast<unsigned long>(load.reads()));
  CHECK(load.faults() == std::vector<std::string>{});
  const Load::Audit audit = load.audit(set.primary().address());
  std::printf("%d of unknown fate\n", audit.unknown);
  CHECK(audit.lost == 0);
  CHECK(audit.undead == 0);
  CHECK(set.primary().value("SELECT sum(balance) FROM account") == "0");
}

TEST_CASE("what the checks cost per query") {
  ReplicaSet set;
  const std::string port = std::to_string(set.primary().port());
  const std::string quiet =
      "health_check_user = trust_user\nlog_connections = 0\nlog_disconnections = 0\n";
  Remuda plain(ini_text(quiet, "p0 = host=127.0.0.1 port=" + port + "\n"));
  Remuda checked(ini_text(quiet, "p0 = " + set.hosts() + " target_session_attrs=primary\n"));
  cost(plain, 8, 200);
  cost(checked, 8, 200);
  std::vector<double> ratios;
  for (int round = 0; round < 15; ++round) {
    const double without = cost(plain, 8, 1000);
    const double with = cost(checked, 8, 1000);
    ratios.push_back(with / without);
    std::printf("remuda's CPU per query: %.2f us without checks, %.2f us with\n", without, with);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("median of the ratios: %.3f\n", ratios[ratios.size() / 2]);
}

}  // namespace remuda::test::failover_test
