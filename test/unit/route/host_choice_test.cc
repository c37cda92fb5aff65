#include "route/host_choice.h"

#include <map>
#include <vector>

#include "support/catch.h"

namespace remuda::route::host_choice_test {

using config::LoadBalance;
using config::TargetSession;

namespace {

HostCandidate up(HostRole role, int weight = 1) {
  return {.state = HostState::up, .role = role, .weight = weight};
}
HostCandidate primary() {
  return up(HostRole::primary);
}
HostCandidate standby(int weight = 1) {
  return up(HostRole::standby, weight);
}
HostCandidate in_state(HostState state, HostRole role = HostRole::standby) {
  return {.state = state, .role = role};
}

// The place chosen, or -1.
int choice(const std::vector<HostCandidate>& hosts, const HostWish& wish, uint64_t turn = 0,
           uint64_t random = 0, Micros now = 1000 * kSecond) {
  const auto place = choose_host(hosts, wish, now, turn, random);
  return place ? static_cast<int>(*place) : -1;
}

int choice(const std::vector<HostCandidate>& hosts, TargetSession target) {
  return choice(hosts, HostWish{.target = target});
}

// How often each is chosen in so many turns.
std::map<int, int> counts(const std::vector<HostCandidate>& hosts, const HostWish& wish, int turns,
                          Micros now = 1000 * kSecond) {
  std::map<int, int> found;
  for (int i = 0; i < turns; ++i) ++found[choice(hosts, wish, static_cast<uint64_t>(i), 0, now)];
  return found;
}

}  // namespace

TEST_CASE("the wanted role") {
  const std::vector<HostCandidate> hosts = {standby(), primary(), standby()};
  CHECK(choice(hosts, TargetSession::primary) == 1);
  CHECK(choice(hosts, TargetSession::read_write) == 1);
  CHECK(counts(hosts, {.target = TargetSession::standby}, 4) == std::map<int, int>{{0, 2}, {2, 2}});
  CHECK(counts(hosts, {.target = TargetSession::read_only}, 4) ==
        std::map<int, int>{{0, 2}, {2, 2}});
  CHECK(counts(hosts, {.target = TargetSession::any}, 6) ==
        std::map<int, int>{{0, 2}, {1, 2}, {2, 2}});
  CHECK(choice({standby(), standby()}, TargetSession::primary) == -1);
  CHECK(choice({primary()}, TargetSession::standby) == -1);
  CHECK(choice({}, TargetSession::any) == -1);
}

TEST_CASE("prefer-standby takes the primary only when there is nothing else") {
  const HostWish wish{.target = TargetSession::prefer_standby};
  CHECK(counts({primary(), standby(), standby()}, wish, 4) == std::map<int, int>{{1, 2}, {2, 2}});
  CHECK(choice({primary(), in_state(HostState::lagging)}, wish) == 0);
  CHECK(choice({in_state(HostState::down), in_state(HostState::lagging)}, wish) == -1);
}

TEST_CASE("hosts that are not up, or disabled, are not chosen") {
  for (const HostState state :
       {HostState::unknown, HostState::lagging, HostState::superseded, HostState::down}) {
    CHECK(choice({in_state(state, HostRole::primary)}, TargetSession::primary) == -1);
    CHECK(choice({in_state(state), standby()}, TargetSession::standby) == 1);
  }
  HostCandidate disabled = standby();
  disabled.is_disabled = true;
  CHECK(choice({disabled}, TargetSession::any) == -1);
  // Nobody is kept waiting for a first check who takes any host.
  CHECK(choice({in_state(HostState::unknown)}, TargetSession::any) == 0);
}

TEST_CASE("those that may be gone come last, and spared standbys are not read from") {
  HostCandidate suspect = standby();
  suspect.is_suspect = true;
  CHECK(counts({suspect, standby()}, {.target = TargetSession::standby}, 4) ==
        std::map<int, int>{{1, 4}});
  CHECK(choice({suspect}, TargetSession::standby) == 0);
  HostCandidate spared = standby();
  spared.is_spared = true;
  CHECK(choice({spared, standby()}, TargetSession::any) == 1);
  CHECK(choice({spared}, TargetSession::standby) == -1);
  CHECK(choice({primary(), spared}, TargetSession::prefer_standby) == 0);
  spared.role = HostRole::primary;
  CHECK(choice({spared, standby()}, TargetSession::primary) == 0);
}

TEST_CASE("weights: exact proportions, evenly spread, and none only in need") {
  const std::vector<HostCandidate> hosts = {standby(3), standby(1)};
  const HostWish wish{.target = TargetSession::standby};
  CHECK(counts(hosts, wish, 1000)[0] == 750);
  CHECK(counts(hosts, wish, 8)[0] / 2 == 3);
  CHECK(counts({standby(0), standby(2)}, wish, 10) == std::map<int, int>{{1, 10}});
  CHECK(choice({standby(0), in_state(HostState::down)}, wish) == 0);
}

TEST_CASE("random follows the weights") {
  const HostWish wish{.target = TargetSession::any, .balance = LoadBalance::random};
  std::map<int, int> found;
  for (uint64_t random = 0; random < 4000; ++random) {
    ++found[choice({standby(3), standby(1)}, wish, 0, random)];
  }
  CHECK(found == std::map<int, int>{{0, 3000}, {1, 1000}});
}

TEST_CASE("least-active: fewest connections for the weight, in turn where they are equal") {
  std::vector<HostCandidate> hosts = {standby(), standby(), standby(2)};
  const HostWish wish{.target = TargetSession::any, .balance = LoadBalance::least_active};
  CHECK(counts(hosts, wish, 3) == std::map<int, int>{{0, 1}, {1, 1}, {2, 1}});
  hosts[0].connections = 3;
  hosts[1].connections = 2;
  hosts[2].connections = 5;
  CHECK(choice(hosts, wish) == 1);
  hosts[2].connections = 3;
  CHECK(choice(hosts, wish) == 2);
}

TEST_CASE("disable keeps to one host until it is left") {
  const HostWish wish{.target = TargetSession::any, .balance = LoadBalance::disable};
  std::vector<HostCandidate> hosts = {standby(), standby(), standby()};
  CHECK(choice(hosts, wish, 0) == 0);
  CHECK(choice(hosts, wish, 1) == 1);
  CHECK(choice(hosts, wish, 5) == 2);
  hosts[2].state = HostState::down;
  CHECK(choice(hosts, wish, 5) == 0);
  hosts[0].state = HostState::down;
  CHECK(choice(hosts, wish, 0) == 1);
}

TEST_CASE("a host that came up gets its share little by little") {
  std::vector<HostCandidate> hosts = {standby(), standby()};
  hosts[1].up_since = 1000 * kSecond;
  const HostWish wish{.target = TargetSession::any, .slow_start = 10 * kSecond};
  const auto share = [&](Micros age) { return counts(hosts, wish, 1100, 1000 * kSecond + age)[1]; };
  CHECK(share(0) == 100);
  CHECK(share(5 * kSecond) > 300);
  CHECK(share(5 * kSecond) < 400);
  CHECK(share(10 * kSecond) == 550);
  // Alone it gets everything.
  hosts[0].state = HostState::down;
  CHECK(share(0) == 1100);
}

}  // namespace remuda::route::host_choice_test
