// Cancel keys as clients see them where several processes serve one port (peer_id is set): a
// request that reaches another process has to find the way back. The layout is PgBouncer's: bytes 2
// and 3 are the peer_id, low byte first; the low two bits of byte 8 count how often it may still be
// forwarded; the sign bit of byte 1 is clear; all else is random. Such keys are short whatever the
// protocol. Shared by all threads; a mutex, taken by logins, ends of clients and cancel requests
// only.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "proxy/cancel_key.h"

namespace remuda::proxy {

// What such a key says.
int peer_of_key(CancelKey shown) noexcept;
int hops_of_key(CancelKey shown) noexcept;
// The key with one hop less. It must have one.
CancelKey one_hop_less(CancelKey shown) noexcept;

class PeerKeys {
 public:
  // The key to tell the client that has the key `own`; `own` itself without a peer_id.
  CancelKey issue(int peer_id, CancelKey own);
  // The client has ended. Nothing happens if `own` was never issued here.
  void forget(CancelKey own) noexcept;
  // The key that was told as `shown`, however often that was forwarded.
  std::optional<CancelKey> find(CancelKey shown) const;

 private:
  mutable std::mutex mutex_;                      // guards both
  std::unordered_map<uint64_t, CancelKey> own_;   // by what is shown, with all hops
  std::unordered_map<uint64_t, uint64_t> shown_;  // the other way round
};

}  // namespace remuda::proxy
