#include "proxy/placement.h"

#include <algorithm>
#include <functional>

#include "proxy/worker.h"

namespace remuda::proxy {

Worker& home_of(const Shared& shared, const std::string& database, const std::string& user) {
  const size_t hash = std::hash<std::string>{}(database + '\0' + user);
  return *shared.workers[hash % shared.workers.size()];
}

Worker& least_busy(const Shared& shared) {
  return **std::min_element(shared.workers.begin(), shared.workers.end(),
                            [](const Worker* a, const Worker* b) { return a->logins() < b->logins(); });
}

}  // namespace remuda::proxy
