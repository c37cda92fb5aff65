// What must be true of a pooler that nobody uses any more, and how much it holds then. Main thread.
#pragma once

#include <string>
#include <vector>

#include "support/postgres.h"
#include "support/remuda_process.h"

namespace remuda::soak {

// Waits until every counter is back at zero; what is not, as complaints. Afterwards the pooler has
// no server connection.
std::vector<std::string> check_rest(const test::Remuda& remuda, const test::PostgresServer& server);

int descriptors(const test::Remuda& remuda);

// One measurement per round, at rest.
struct Holdings {
  std::vector<long> resident;  // kB
  std::vector<int> descriptors;

  void measure(const test::Remuda& remuda);
  // Complaints about what has grown since it was warm; nothing can be said of fewer than 6 rounds.
  std::vector<std::string> growth() const;
};

}  // namespace remuda::soak
