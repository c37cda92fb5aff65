#include "proxy/placement.h"

#include <algorithm>
#include <list>
#include <numeric>
#include <set>

#include "support/catch.h"
#include "unit/proxy/lending_scene.h"

namespace remuda::proxy::placement_test {
namespace {

config::Config with_pool_size(int size) {
  config::Config config;
  config.default_pool_size = size;
  return config;
}

std::vector<int> clients_by_worker(LendingScene& scene) {
  std::vector<int> counts;
  for (size_t i = 0; i < scene.workers.size(); ++i) {
    counts.push_back(scene.ledger().parts[i].clients.load());
  }
  return counts;
}

}  // namespace

TEST_CASE("how many homes a pool has") {
  struct Case {
    int pool_size;
    int clients;
    size_t workers;
    size_t homes;
  };
  for (const Case& c : std::initializer_list<Case>{
           {1, 1000, 8, 1},  // too few servers for two
           {7, 1000, 8, 1},
           {8, 1000, 8, 2},
           {11, 1000, 8, 2},
           {12, 1000, 8, 3},
           {20, 1000, 4, 4},  // no more than there are workers
           {1000, 1000, 1, 1},
           {8, 0, 2, 1},  // too few clients for two
           {8, kClientsPerHome, 2, 1},
           {8, 2 * kClientsPerHome, 2, 2},
           {16, 3 * kClientsPerHome, 4, 3},
           {0, 1000, 4, 4},  // no limit
           {0, 0, 4, 1},
           {-1, 1000, 4, 4},
       }) {
    CAPTURE(c.pool_size, c.clients, c.workers);
    CHECK(home_count(c.pool_size, c.clients, c.workers) == c.homes);
  }
}

TEST_CASE("a pool's first home depends on its name alone, and pools are spread") {
  LendingScene scene(4, with_pool_size(4));
  std::set<int> homes;
  for (int i = 0; i < 64; ++i) {
    const std::string user = "user" + std::to_string(i);
    Worker& home = home_of(scene.shared, "d", user);
    CHECK(&home == &home_of(scene.shared, "d", user));
    CHECK(Seat(scene.shared, scene.shared.ledgers.pool("d", user)).worker() == home.index());
    homes.insert(home.index());
  }
  CHECK(homes.size() == 4);
}

TEST_CASE("a seat counts from the moment it is given, until it is left") {
  LendingScene scene(2, with_pool_size(4));
  const auto ledger = scene.shared.ledgers.pool("d", "u");
  const auto home = static_cast<size_t>(home_of(scene.shared, "d", "u").index());
  const auto count = [&] { return ledger->parts[home].clients.load(); };
  {
    Seat seat(scene.shared, ledger);
    CHECK(count() == 1);
    Seat moved = std::move(seat);
    CHECK(count() == 1);
    CHECK(moved.worker() == static_cast<int>(home));
    seat = Seat(scene.shared, ledger);
    CHECK(count() == 2);
    seat = std::move(moved);
    CHECK(count() == 2);
  }
  CHECK(count() == 0);
  Seat taken(scene.shared, ledger);
  taken.take();
  taken = Seat();
  CHECK(count() == 1);
  Seat::leave(*ledger, static_cast<int>(home));
  CHECK(count() == 0);
}

TEST_CASE("a seat may be given on a worker of one's choice") {
  LendingScene scene(3, with_pool_size(4));
  const Seat seat(scene.shared.ledgers.pool("d", "u"), 2);
  CHECK(seat.worker() == 2);
  CHECK(clients_by_worker(scene) == std::vector<int>{0, 0, 1});
}

TEST_CASE("a small pool keeps all its clients on one worker") {
  LendingScene scene(4, with_pool_size(7));
  std::list<Seat> seats;
  for (int i = 0; i < 100; ++i)
    seats.emplace_back(scene.shared, scene.shared.ledgers.pool("d", "u"));
  auto counts = clients_by_worker(scene);
  CHECK(*std::max_element(counts.begin(), counts.end()) == 100);
}

TEST_CASE("clients of a large pool spread when each home has some") {
  LendingScene scene(4, with_pool_size(8));  // two homes
  const auto first = static_cast<size_t>(home_of(scene.shared, "d", "u").index());
  const auto ledger = scene.shared.ledgers.pool("d", "u");
  std::list<Seat> seats;
  for (int i = 0; i < 2 * kClientsPerHome; ++i) seats.emplace_back(scene.shared, ledger);
  CHECK(ledger->parts[first].clients == 2 * kClientsPerHome);
  // From here on the home with fewest gets the next.
  for (int i = 0; i < 2 * kClientsPerHome; ++i) seats.emplace_back(scene.shared, ledger);
  const auto second = (first + 1) % 4;
  CHECK(ledger->parts[first].clients == 2 * kClientsPerHome);
  CHECK(ledger->parts[second].clients == 2 * kClientsPerHome);
  seats.emplace_back(scene.shared, ledger);
  seats.emplace_back(scene.shared, ledger);
  CHECK(ledger->parts[first].clients == ledger->parts[second].clients);
  CHECK(ledger->client_count() == static_cast<int>(seats.size()));
  seats.clear();
  CHECK(ledger->client_count() == 0);
}

}  // namespace remuda::proxy::placement_test
