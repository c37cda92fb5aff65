#include "io/local_networks.h"

#include <algorithm>

#include "support/catch.h"

namespace remuda::io::local_networks_test {

TEST_CASE("the loopback interface is among the local networks") {
  const auto networks = local_networks();
  CHECK(std::any_of(networks.begin(), networks.end(), [](const LocalNetwork& network) {
    return network.address.host() == "127.0.0.1" && network.mask.host() == "255.0.0.0";
  }));
  CHECK(std::all_of(networks.begin(), networks.end(), [](const LocalNetwork& network) {
    return network.address.is_inet() && network.mask.family() == network.address.family();
  }));
}

}  // namespace remuda::io::local_networks_test
