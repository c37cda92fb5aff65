#include "proxy/peer_pools.h"

#include <algorithm>

namespace remuda::proxy {

PeerPools::Place::~Place() {
  if (pools_) pools_->give_back(peer_, is_sent_);
}

void PeerPools::Place::sent() {
  const std::lock_guard lock(pools_->mutex_);
  Pool& pool = pools_->pools_[peer_];
  --pool.login;
  ++pool.active;
  is_sent_ = true;
}

uint64_t PeerPools::enter(int peer, int limit, Grant grant) {
  uint64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[peer];
    pool.limit = limit;
    ticket = ++last_ticket_;
    pool.queue.push_back({ticket, std::move(grant)});
  }
  admit(peer);
  return ticket;
}

void PeerPools::leave(int peer, uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  pools_[peer].queue.remove_if([ticket](const Waiting& one) { return one.ticket == ticket; });
}

PeerPools::Counts PeerPools::counts(int peer) const {
  const std::lock_guard lock(mutex_);
  const auto at = pools_.find(peer);
  if (at == pools_.end()) return {};
  const Pool& pool = at->second;
  return {pool.active, static_cast<int>(pool.queue.size()) + pool.login, pool.login};
}

void PeerPools::give_back(int peer, bool is_sent) {
  {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[peer];
    --(is_sent ? pool.active : pool.login);
  }
  admit(peer);
}

// Grants are called without the lock, as a place may come back at once.
void PeerPools::admit(int peer) {
  Grant grant;
  {
    const std::lock_guard lock(mutex_);
    Pool& pool = pools_[peer];
    const bool is_full = pool.limit > 0 && pool.login + pool.active >= pool.limit;
    if (pool.queue.empty() || is_full) return;
    grant = std::move(pool.queue.front().grant);
    pool.queue.pop_front();
    ++pool.login;
  }
  grant(Place(*this, peer));
}

}  // namespace remuda::proxy
