// How many cancel requests are on their way to each peer: at most its pool_size at once, the rest
// waits in order. Shared by all threads; a mutex, taken for forwarded requests only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <utility>

namespace remuda::proxy {

class PeerPools {
 public:
  // The columns of SHOW PEER_POOLS.
  struct Counts {
    int active = 0;   // requests that the peer is working on
    int waiting = 0;  // requests not sent yet
    int login = 0;    // connections being opened
  };

  // The right to one connection to a peer. Its end lets the next request through.
  class Place {
   public:
    Place(PeerPools& pools, int peer) noexcept : pools_(&pools), peer_(peer) {}
    Place(Place&& other) noexcept
        : pools_(std::exchange(other.pools_, nullptr)),
          peer_(other.peer_),
          is_sent_(other.is_sent_) {}
    Place& operator=(Place&& other) = delete;
    ~Place();
    // The request is with the peer.
    void sent();

   private:
    PeerPools* pools_;
    int peer_;
    bool is_sent_ = false;
  };

  using Grant = std::function<void(Place place)>;

  // Calls `grant` as soon as fewer than `limit` (0: any number) are on their way, perhaps at once,
  // on whatever thread. Returns what leave() takes.
  uint64_t enter(int peer, int limit, Grant grant);
  // Waits no longer. The grant may be called meanwhile; its place is then the caller's to drop.
  void leave(int peer, uint64_t ticket);

  Counts counts(int peer) const;

 private:
  struct Waiting {
    uint64_t ticket;
    Grant grant;
  };
  struct Pool {
    int limit = 0;
    int login = 0;
    int active = 0;
    std::list<Waiting> queue;
  };
  void give_back(int peer, bool is_sent);
  void admit(int peer);

  mutable std::mutex mutex_;  // guards both
  std::map<int, Pool> pools_;
  uint64_t last_ticket_ = 0;
};

}  // namespace remuda::proxy
