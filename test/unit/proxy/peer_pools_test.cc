#include "proxy/peer_pools.h"

#include <optional>
#include <vector>

#include "support/catch.h"

namespace remuda::proxy::peer_pools_test {

TEST_CASE("a peer gets as many requests at once as allowed, the rest in order") {
  PeerPools pools;
  std::list<PeerPools::Place> places;
  std::vector<int> order;
  const auto ask = [&](int number) {
    return pools.enter(1, 2, [&, number](PeerPools::Place place) {
      order.push_back(number);
      places.push_back(std::move(place));
    });
  };
  for (int i = 0; i < 3; ++i) ask(i);
  const uint64_t leaver = ask(3);
  ask(4);
  CHECK(order == std::vector<int>{0, 1});
  places.front().sent();
  const auto counts = pools.counts(1);
  CHECK(counts.active == 1);
  CHECK(counts.login == 1);
  CHECK(counts.waiting == 4);

  pools.leave(1, leaver);
  places.pop_front();
  places.pop_front();
  CHECK(order == std::vector<int>{0, 1, 2, 4});
  places.clear();
  CHECK(pools.counts(1).waiting == 0);
  CHECK(pools.counts(1).login == 0);
  CHECK(pools.counts(1).active == 0);
}

TEST_CASE("a place nobody wants goes to the next in the queue") {
  PeerPools pools;
  std::optional<PeerPools::Place> first;
  int dropped = 0;
  bool is_reached = false;
  pools.enter(1, 1, [&](PeerPools::Place place) { first.emplace(std::move(place)); });
  for (int i = 0; i < 3; ++i) pools.enter(1, 1, [&](PeerPools::Place) { ++dropped; });
  pools.enter(1, 1, [&](PeerPools::Place) { is_reached = true; });
  first.reset();
  CHECK(dropped == 3);
  CHECK(is_reached);
  CHECK(pools.counts(1).login == 0);
}

}  // namespace remuda::proxy::peer_pools_test
