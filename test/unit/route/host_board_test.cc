#include "route/host_board.h"

#include "support/catch.h"

namespace remuda::route::host_board_test {

using config::TargetSession;

namespace {

config::Database database(std::vector<std::string> hosts, TargetSession target) {
  config::Database entry;
  entry.hosts = std::move(hosts);
  entry.target_session_attrs = target;
  return entry;
}

}  // namespace

TEST_CASE("databases share the entry of a host, and one that is not checked has none") {
  HostBoard board;
  const config::Config config;
  const auto writes = board.cluster(config, database({"a", "b"}, TargetSession::primary));
  const auto reads = board.cluster(config, database({"b", "c"}, TargetSession::standby));
  REQUIRE(writes);
  REQUIRE(reads);
  CHECK(writes->hosts[1].entry == reads->hosts[0].entry);
  CHECK(board.all().size() == 3);
  CHECK(board.cluster(config, database({"d"}, TargetSession::any)) == nullptr);
  CHECK(board.all().size() == 3);
  CHECK(board.find("a:5432") == writes->hosts[0].entry);
  CHECK(board.find("a") == writes->hosts[0].entry);
  CHECK(board.find("d") == nullptr);
}

TEST_CASE("an entry is forgotten when nobody refers to it") {
  HostBoard board;
  auto cluster = board.cluster(config::Config(), database({"a"}, TargetSession::primary));
  board.drop_unused();
  CHECK(board.all().size() == 1);
  cluster.reset();
  board.drop_unused();
  CHECK(board.all().empty());
}

TEST_CASE("an entry that is out of use stays so though its cluster forgets it for a while") {
  HostBoard board;
  board.entry("a", 5432)->is_disabled = true;
  board.drop_unused();
  CHECK(board.entry("a", 5432)->is_disabled);
  board.entry("a", 5432)->is_disabled = false;
  board.drop_unused();
  CHECK(board.all().empty());
}

TEST_CASE("a claim counts its connection, and is outdated as soon as the epoch rises") {
  HostBoard board;
  const auto entry = board.entry("a", 5432);
  {
    HostClaim claim(entry, entry->epoch);
    HostClaim moved(std::move(claim));
    CHECK(entry->connections == 1);
    CHECK_FALSE(moved.is_outdated());
    entry->epoch.fetch_add(1);
    CHECK(moved.is_outdated());
    CHECK_FALSE(claim.is_outdated());
    claim = std::move(moved);
    CHECK(entry->connections == 1);
  }
  CHECK(entry->connections == 0);
  CHECK_FALSE(HostClaim().is_outdated());
}

TEST_CASE("C5 37 a host that changes while it is chosen has an epoch that is over") {
  HostBoard board;
  const auto cluster = board.cluster(config::Config(), database({"a"}, TargetSession::primary));
  HostEntry& entry = *cluster->hosts[0].entry;
  entry.state = HostState::up;
  entry.role = HostRole::primary;
  const auto hosts = candidates(*cluster);
  entry.role = HostRole::standby;
  entry.epoch.fetch_add(1);
  CHECK(HostClaim(cluster->hosts[0].entry, hosts[0].epoch).is_outdated());
}

TEST_CASE("one alarm is told until the host has been looked at") {
  HostBoard board;
  int told = 0;
  board.on_alarm = [&](const std::shared_ptr<HostEntry>&) { ++told; };
  const auto entry = board.entry("a", 5432);
  board.alarm(entry);
  board.alarm(entry);
  CHECK(told == 1);
  entry->is_suspect = false;
  board.alarm(entry);
  CHECK(told == 2);
}

TEST_CASE("members of a cluster take the place of the hosts that are configured") {
  HostBoard board;
  config::Config config;
  config.patroni_urls = {"http://all"};
  ClusterMember a{.name = "1", .host = "a", .port = 5432};
  ClusterMember b{.name = "2", .host = "b", .port = 5433};
  board.set_members({"http://all"}, {a, b});
  // URLs of all count where one of the hosts is theirs.
  CHECK(board.cluster(config, database({"a"}, TargetSession::any)) == nullptr);
  CHECK(board.cluster(config, database({"a"}, TargetSession::primary))->hosts.size() == 2);
  CHECK(board.cluster(config, database({"x"}, TargetSession::primary))->hosts.size() == 1);
  config::Database own = database({"x"}, TargetSession::any);
  own.patroni_urls = {"http://own"};
  CHECK(board.cluster(config, own)->hosts[0].entry->host == "x");
  board.set_members({"http://own"}, {b});
  CHECK(board.cluster(config, own)->hosts.size() == 1);
  CHECK(board.cluster(config, own)->hosts[0].entry->port == 5433);
  board.set_members({"http://own"}, {});
  CHECK(board.cluster(config, own)->hosts[0].entry->host == "x");
}

TEST_CASE("members are forgotten with their URLs") {
  HostBoard board;
  config::Database own = database({"x"}, TargetSession::any);
  own.patroni_urls = {"http://own"};
  board.set_members({"http://own"}, {{.name = "1", .host = "a", .port = 5432}});
  board.keep_members({{"http://own"}, {"http://other"}});
  CHECK(board.cluster({}, own)->hosts[0].entry->host == "a");
  board.keep_members({{"http://other"}});
  CHECK(board.cluster({}, own)->hosts[0].entry->host == "x");
}

TEST_CASE("who waits is told of each host why it cannot serve") {
  HostBoard board;
  const auto cluster =
      board.cluster(config::Config(), database({"a", "::1"}, TargetSession::primary));
  cluster->hosts[0].entry->state = HostState::down;
  cluster->hosts[0].entry->set_last_error("no answer");
  cluster->hosts[1].entry->state = HostState::up;
  cluster->hosts[1].entry->role = HostRole::standby;
  cluster->hosts[1].entry->is_disabled = true;
  CHECK_FALSE(has_host(*cluster));
  CHECK(describe(*cluster) == "a:5432 is down: no answer; [::1]:5432 is up, a standby, disabled");
}

}  // namespace remuda::route::host_board_test
