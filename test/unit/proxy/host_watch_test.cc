// Checks of hosts that say what the test wants, without workers.
#include "proxy/host_watch.h"

#include <fmt/format.h>

#include "remuda/base/log.h"
#include "support/catch.h"
#include "support/checked_host.h"
#include "support/patroni_server.h"
#include "unit/io/run_until.h"

namespace remuda::proxy::host_watch_test {
using config::TargetSession;
using io::finish;
using io::run_until;
using route::HostEntry;
using route::HostRole;
using route::HostState;
using test::CheckedHost;

namespace {

// The names of hosts that a test makes up, by what they lead to; no name is another host's.
std::string name_leads_to;
int looked_up = 0;

int look_up(uv_loop_t* loop, uv_getaddrinfo_t* request, uv_getaddrinfo_cb done, const char*,
            const char* service, const addrinfo* hints) {
  ++looked_up;
  addrinfo numeric = *hints;
  numeric.ai_flags = AI_NUMERICHOST;
  const char* name = name_leads_to.empty() ? "no address" : name_leads_to.c_str();
  return uv_getaddrinfo(loop, request, done, name, service, &numeric);
}

constexpr Micros kOften = 50 * kMillisecond;
constexpr Micros kNever = 3600 * kSecond;

// The watch in a process of its own, as it were.
class Scene {
 public:
  Scene() {
    log::Options options;
    options.to_stderr = false;
    log::configure(options);
    config.health_check_user = "checker";
    config.health_check_interval = config.health_check_fast_interval = kOften;
  }
  ~Scene() {
    watch.close();
    tasks.close();
    finish(loop, tasks.emptied());
    mailbox.close();
    log::configure({});
  }

  // A database of these hosts, given as their ports or as names with ports.
  void add(const std::string& name, TargetSession target,
           const std::vector<const CheckedHost*>& hosts) {
    config::Database& database = config.databases[name];
    database.name = database.dbname = name;
    database.target_session_attrs = target;
    for (const CheckedHost* host : hosts) {
      database.hosts.emplace_back("127.0.0.1");
      database.ports.push_back(host->port());
    }
  }
  void adopt() { watch.adopt({std::make_shared<const config::Config>(config), {}, {}, {}}); }

  HostEntry& entry(const CheckedHost& host, const std::string& name = "127.0.0.1") {
    return *shared.hosts.entry(name, static_cast<uint16_t>(host.port()));
  }
  void wait(const CheckedHost& host, HostState state, HostRole role) {
    run_until(loop, [&] { return entry(host).state == state && entry(host).role == role; });
  }
  void wait(const CheckedHost& host, HostState state) {
    run_until(loop, [&] { return entry(host).state == state; });
  }
  // Until every check that is under way is over, and so many others.
  void wait_checks(const CheckedHost& host, int count = 3) {
    const uint64_t goal = total(host) + static_cast<uint64_t>(count);
    run_until(loop, [&] { return total(host) >= goal; });
  }
  uint64_t total(const CheckedHost& host) {
    return entry(host).checks_passed + entry(host).checks_failed;
  }

  config::Config config;
  io::Loop loop;
  io::TaskScope tasks{loop, "test"};
  io::Mailbox mailbox{loop};
  Shared shared;
  HostWatch watch{loop, tasks, mailbox, shared, look_up};
};

test::HostState primary(int timeline = 1) {
  return {.timeline = timeline};
}

test::HostState standby(const std::string& position = "1000", const std::string& age = "") {
  return {.is_standby = true, .received = position, .replayed = position, .replay_age = age};
}

}  // namespace

TEST_CASE("C5 37 a standby that answers before its primary does is not taken for level") {
  CheckedHost leader(primary());
  CheckedHost late(standby("10", "3600000000"));
  leader.set({.is_silent = true});
  Scene scene;
  scene.config.max_replica_lag = kSecond;
  scene.config.health_check_timeout = 10 * kSecond;
  scene.add("p0", TargetSession::primary, {&leader, &late});
  scene.adopt();
  run_until(scene.loop, [&] { return late.checks() >= 3; });
  CHECK(scene.entry(late).state == HostState::unknown);
  leader.set(primary());
  leader.release();
  scene.wait(leader, HostState::up, HostRole::primary);
  scene.wait(late, HostState::lagging);
  CHECK(scene.entry(late).lag_bytes == 990);
}

TEST_CASE("standbys that wait for news of a primary do not wait for each other") {
  CheckedHost one(standby());
  CheckedHost two(standby());
  CheckedHost gone(primary());
  gone.set({.refusal = "57P03"});
  Scene scene;
  scene.config.max_replica_lag = kSecond;
  scene.add("p0", TargetSession::standby, {&one, &two, &gone});
  scene.adopt();
  scene.wait(one, HostState::up, HostRole::standby);
  scene.wait(two, HostState::up, HostRole::standby);
  CHECK(scene.entry(gone).state == HostState::down);
  // Nobody knows what they lack.
  CHECK(scene.entry(one).lag_time == -1);
}

TEST_CASE("C5 37 the primary is lost: who lacked its last bytes does not fall behind for ever") {
  CheckedHost leader(primary());
  CheckedHost follower(standby());
  Scene scene;
  scene.config.max_replica_lag = 800 * kMillisecond;
  scene.add("p0", TargetSession::primary, {&leader, &follower});
  scene.adopt();
  scene.wait(follower, HostState::up);
  leader.set({.written = "1010"});
  run_until(scene.loop, [&] { return scene.entry(follower).lag_bytes == 10; });
  // A check that has logged in already is told what it was told before.
  leader.set({.written = "1010", .refusal = "57P03"});
  scene.wait(leader, HostState::down);
  const Micros until = monotonic_now() + kSecond;
  run_until(scene.loop, [&] { return monotonic_now() > until; });
  scene.wait_checks(follower);
  CHECK(scene.entry(follower).lag_bytes == 10);
  CHECK(scene.entry(follower).state == HostState::up);
}

TEST_CASE("a standby that has less than another one is late, though no primary is known") {
  CheckedHost ahead(standby("2000"));
  CheckedHost behind(standby("1000", "3600000000"));
  Scene scene;
  scene.config.max_replica_lag = kSecond;
  scene.add("p0", TargetSession::standby, {&ahead, &behind});
  scene.adopt();
  scene.wait(ahead, HostState::up);
  scene.wait(behind, HostState::lagging);
  CHECK(scene.entry(behind).lag_bytes == 1000);
}

TEST_CASE(
    "C5 37 of two primaries on one timeline the one in use stays it, as long as it is there") {
  CheckedHost first(primary());
  CheckedHost second(standby());
  Scene scene;
  scene.add("p0", TargetSession::primary, {&first, &second});
  scene.adopt();
  scene.wait(first, HostState::up, HostRole::primary);
  scene.wait(second, HostState::up, HostRole::standby);
  second.set(primary());
  scene.wait(second, HostState::superseded);
  CHECK(scene.entry(first).state == HostState::up);
  first.set({.refusal = "57P03"});
  scene.wait(second, HostState::up, HostRole::primary);
  first.set(primary());
  scene.wait(first, HostState::superseded);
  CHECK(scene.entry(second).state == HostState::up);
}

TEST_CASE("hosts of databases that want no primary may all be one") {
  CheckedHost first(primary());
  CheckedHost second(primary());
  Scene scene;
  scene.add("p0", TargetSession::any, {&first, &second});
  scene.adopt();
  scene.wait(first, HostState::up);
  scene.wait(second, HostState::up);
  scene.wait_checks(second);
  CHECK(scene.entry(second).state == HostState::up);
}

TEST_CASE("a primary that was made anew from an older one is not denied by its former self") {
  CheckedHost first(primary(5));
  CheckedHost second({.is_standby = true, .timeline = 5});
  Scene scene;
  scene.add("p0", TargetSession::primary, {&first, &second});
  scene.adopt();
  scene.wait(first, HostState::up, HostRole::primary);
  scene.wait(second, HostState::up, HostRole::standby);
  first.set({.refusal = "57P03"});
  scene.wait(first, HostState::down);
  second.set(primary(4));
  scene.wait(second, HostState::superseded, HostRole::primary);
  first.set({.is_standby = true, .timeline = 4});
  scene.wait(second, HostState::up, HostRole::primary);
}

TEST_CASE("C5 37 a standby that refuses checks is not read from for longer than its lag allows") {
  CheckedHost leader(primary());
  CheckedHost full(standby());
  Scene scene;
  scene.config.max_replica_lag = 400 * kMillisecond;
  scene.add("p0", TargetSession::primary, {&leader, &full});
  scene.adopt();
  scene.wait(leader, HostState::up);
  scene.wait(full, HostState::up);
  full.set({.refusal = "53300"});
  scene.wait(full, HostState::lagging);
  full.set(standby());
  scene.wait(full, HostState::up);
}

TEST_CASE("a host that says nothing is down after the time of one check, not of three") {
  CheckedHost host(primary());
  Scene scene;
  scene.config.health_check_timeout = 400 * kMillisecond;
  scene.add("p0", TargetSession::primary, {&host});
  scene.adopt();
  scene.wait(host, HostState::up);
  host.set({.is_silent = true});
  const int before = host.connections();
  run_until(scene.loop, [&] { return scene.entry(host).checks_failed > 0; });
  // The others that must fail were under way by then, and no more than those.
  CHECK(scene.entry(host).is_suspect);
  CHECK(host.connections() - before >= 2);
  scene.wait(host, HostState::down);
  CHECK(scene.entry(host).checks_failed == 3);
  CHECK(host.connections() - before <= 6);
  CHECK(scene.entry(host).last_error() == "health_check_timeout");
  host.set(primary());
  host.release();
  scene.wait(host, HostState::up);
}

TEST_CASE("a check that was answered late does not undo what a later one has found") {
  CheckedHost host(primary());
  Scene scene;
  scene.config.health_check_fall = 2;
  scene.config.health_check_timeout = kSecond;
  scene.add("p0", TargetSession::primary, {&host});
  host.set({.is_silent = true});
  scene.adopt();
  run_until(scene.loop, [&] { return host.connections() == 1; });
  host.set(primary());
  scene.wait(host, HostState::up);
  // The first one is over by now, and was not counted.
  run_until(scene.loop, [&] { return host.checks() >= 25; });
  CHECK(scene.entry(host).checks_failed == 0);
  CHECK(scene.entry(host).epoch == 0);
}

TEST_CASE("a host whose name leads elsewhere is another host") {
  CheckedHost here(primary());
  CheckedHost there(standby(), "", 2, here.port());
  Scene scene;
  scene.config.dns_max_ttl = 0;
  name_leads_to = "127.0.0.1";
  config::Database& database = scene.config.databases["p0"];
  database.name = database.dbname = "p0";
  database.target_session_attrs = TargetSession::primary;
  database.hosts = {"db.test"};
  database.port = here.port();
  scene.adopt();
  HostEntry& entry = scene.entry(here, "db.test");
  run_until(scene.loop, [&] { return entry.role == HostRole::primary; });
  CHECK(entry.address()->host() == "127.0.0.1");
  const uint32_t epoch = entry.epoch;
  SECTION("though the old one answers") {
    name_leads_to = "127.0.0.2";
    run_until(scene.loop, [&] { return entry.role == HostRole::standby; });
    CHECK(entry.epoch > epoch);
    CHECK(entry.address()->host() == "127.0.0.2");
    CHECK(entry.address()->port() == here.port());
  }
  SECTION("and is looked up at once when the old one is lost") {
    scene.config.dns_max_ttl = kNever;
    scene.adopt();
    run_until(scene.loop, [n = looked_up] { return looked_up > n; });
    scene.wait_checks(here, 0);
    const int before = looked_up;
    here.set({.refusal = "57P03"});
    name_leads_to = "127.0.0.2";
    run_until(scene.loop, [&] { return entry.role == HostRole::standby; });
    CHECK(looked_up > before);
  }
  SECTION("but not when it leads nowhere") {
    name_leads_to = "";
    const uint64_t passed = entry.checks_passed;
    run_until(scene.loop, [&] { return entry.checks_passed >= passed + 3; });
    CHECK(entry.state == HostState::up);
    CHECK(entry.epoch == epoch);
  }
}

TEST_CASE("alarms have a host checked, and not more often than it takes") {
  CheckedHost host(primary());
  Scene scene;
  scene.config.health_check_interval = kNever;
  scene.add("p0", TargetSession::primary, {&host});
  scene.adopt();
  scene.wait(host, HostState::up);
  host.set(standby());
  const auto entry = scene.shared.hosts.entry("127.0.0.1", static_cast<uint16_t>(host.port()));
  scene.shared.hosts.alarm(entry);
  scene.shared.hosts.alarm(entry);
  scene.wait(host, HostState::up, HostRole::standby);
}

#ifdef REMUDA_HAVE_CURL

namespace {

std::string member(const CheckedHost& host, const std::string& role, const std::string& tags = "") {
  return fmt::format(R"({{"name": "m{0}", "host": "127.0.0.1", "port": {0}, "role": "{1}", )"
                     R"("state": "running", "tags": {{{2}}}}})",
                     host.port(), role, tags);
}

std::string cluster(const std::vector<std::string>& members, bool paused = false) {
  return fmt::format(R"({{"members": [{}], "pause": {}}})", fmt::join(members, ", "), paused);
}

constexpr const char* kNoFailover = R"("nofailover": true)";

}  // namespace

TEST_CASE("tags of Patroni are of no effect when it is asked no more", "[patroni]") {
  CheckedHost leader(primary());
  CheckedHost spare(standby());
  test::PatroniServer patroni;
  patroni.answer(
      cluster({member(leader, "leader"), member(spare, "replica", R"("noloadbalance": true)")}));
  Scene scene;
  scene.add("p0", TargetSession::standby, {&leader, &spare});
  scene.config.patroni_urls = {patroni.url()};
  scene.adopt();
  run_until(scene.loop, [&] { return scene.entry(spare).is_spared.load(); });
  scene.config.patroni_urls.clear();
  scene.adopt();
  CHECK_FALSE(scene.entry(spare).is_spared);
}

TEST_CASE("a standby that Patroni never promotes is no primary, whoever promotes it", "[patroni]") {
  CheckedHost leader(primary());
  CheckedHost trial(standby());
  test::PatroniServer patroni;
  patroni.answer(cluster({member(leader, "leader"), member(trial, "replica", kNoFailover)}));
  Scene scene;
  scene.add("p0", TargetSession::primary, {&leader, &trial});
  scene.config.patroni_urls = {patroni.url()};
  scene.config.patroni_interval = 0;
  scene.adopt();
  scene.wait(leader, HostState::up, HostRole::primary);
  run_until(scene.loop, [&] { return patroni.connections() >= 2; });
  scene.wait(trial, HostState::up, HostRole::standby);
  trial.set(primary(2));
  scene.wait(trial, HostState::superseded);
  CHECK(scene.entry(leader).state == HostState::up);
  // Unless Patroni itself calls it the leader.
  patroni.answer(cluster({member(leader, "replica"), member(trial, "leader", kNoFailover)}));
  scene.wait(trial, HostState::up, HostRole::primary);
  scene.wait(leader, HostState::superseded);
}

TEST_CASE("Patroni decides between two primaries on one timeline, unless it pauses", "[patroni]") {
  CheckedHost first(primary());
  CheckedHost second(standby());
  test::PatroniServer patroni;
  const std::vector<std::string> members = {member(first, "replica"), member(second, "leader")};
  const bool pauses = GENERATE(false, true);
  patroni.answer(cluster(members, pauses));
  Scene scene;
  scene.add("p0", TargetSession::primary, {&first, &second});
  scene.config.patroni_urls = {patroni.url()};
  scene.config.patroni_interval = 0;
  scene.adopt();
  scene.wait(first, HostState::up, HostRole::primary);
  run_until(scene.loop, [&] { return patroni.connections() >= 2; });
  scene.wait(second, HostState::up, HostRole::standby);
  second.set(primary());
  scene.wait(pauses ? second : first, HostState::superseded);
  CHECK(scene.entry(pauses ? first : second).state == HostState::up);
}

#endif

}  // namespace remuda::proxy::host_watch_test
