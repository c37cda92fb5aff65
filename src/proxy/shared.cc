#include "proxy/shared.h"

#include <algorithm>

#include "proxy/admission.h"
#include "proxy/worker.h"
#include "remuda/wire/crypto.h"

namespace remuda::proxy {

Shared::Shared()
    : ledgers([this](int index) {
        Worker* worker = workers[static_cast<size_t>(index)];
        worker->post([worker] { worker->wake_pools(); });
      }) {
  const std::string random = wire::random_bytes(process_secret.size());
  std::copy(random.begin(), random.end(), process_secret.begin());
}

}  // namespace remuda::proxy
