// Worlds from one seed after another. REMUDA_SEED is the first, REMUDA_ROUNDS how many.
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "simulation/world.h"
#include "support/catch.h"

namespace remuda::simulation {
namespace {

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST_CASE("every reply reaches the client that asked, and no server is lent with foreign state") {
  const uint64_t first = from_environment("REMUDA_SEED", 1);
  const uint64_t rounds = from_environment("REMUDA_ROUNDS", 60);
  uint64_t messages = 0, clients = 0, servers = 0;
  for (uint64_t seed = first; seed < first + rounds; ++seed) {
    try {
      World world(seed);
      world.run();
      messages += world.messages();
      clients += world.clients();
      servers += world.servers();
    } catch (const std::runtime_error& error) {
      FAIL("seed " << seed << ": " << error.what() << "\nreplay with REMUDA_SEED=" << seed
                   << " REMUDA_ROUNDS=1");
    }
  }
  std::cout << "seeds " << first << " to " << first + rounds - 1 << ": " << clients << " clients, "
            << servers << " servers, " << messages << " messages\n";
  SUCCEED();
}

}  // namespace
}  // namespace remuda::simulation
