// A cancel request that reached this process though its key is a peer's: where it goes, and sending
// it there. The worker's thread where the request arrived.
#pragma once

#include <optional>

#include "config/config.h"
#include "io/task.h"
#include "proxy/cancel_key.h"

namespace remuda::proxy {

class Worker;

struct PeerRequest {
  config::Peer peer;
  CancelKey key;  // with one hop less
};

// Brings a key that clients of this process are shown to the one they have. A request for a peer
// that is known, and may be forwarded still, is returned; all others are for this process.
std::optional<PeerRequest> route_cancel(Worker& worker, CancelKey& key);

// Waits until the peer has dealt with it; failures are logged. Ends within cancel_wait_timeout for
// each of waiting, connecting and the answer.
io::Task<void> forward_to_peer(Worker& worker, PeerRequest request);

}  // namespace remuda::proxy
