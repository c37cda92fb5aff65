// One pool of server connections: its budget, its homes on several workers, and lending between
// them by the rules of src/proxy/pool_shard.h and hunger.h (patience, oldest first). Servers are
// counted, not told apart. Owned by the simulation. Microseconds.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "model/costs.h"

namespace remuda::bench::model {

class Pool;

// What a pool wants done elsewhere. A home is a place in the pool's list of homes.
class PoolPort {
 public:
  virtual double now() const = 0;
  // The transaction has a server from now on.
  virtual void granted(uint32_t transaction, double waited) = 0;
  // pool.dialled(home) when logged in.
  virtual void dial(Pool& pool, uint32_t home) = 0;
  // pool.fed(home) when the message has come.
  virtual void feed(Pool& pool, uint32_t home) = 0;
  // pool.received(to) when the server has come.
  virtual void hand_over(Pool& pool, uint32_t from, uint32_t to) = 0;
  // pool.lost_patience(home) after the delay.
  virtual void wake_later(Pool& pool, uint32_t home, double delay) = 0;

 protected:
  ~PoolPort() = default;
};

class Pool {
 public:
  // `number`: the port's word for it. `first_worker`: its home number 0; the others follow.
  Pool(uint32_t number, PoolPort& port, const Costs& costs, int limit, uint32_t workers,
       uint32_t first_worker);

  uint32_t number() const noexcept { return number_; }

  // The home of one more client: that with fewest.
  uint32_t place_client();
  uint32_t worker_of(uint32_t home) const noexcept { return (first_worker_ + home) % workers_; }

  // granted() follows, at once or later.
  void acquire(uint32_t home, uint32_t transaction);
  void release(uint32_t home);
  void dialled(uint32_t home);
  void fed(uint32_t home);
  void received(uint32_t home);
  void lost_patience(uint32_t home);

  int limit() const noexcept { return limit_; }
  int opened() const noexcept { return opened_; }
  int in_use() const noexcept { return in_use_; }
  int idle() const noexcept;
  int on_the_way() const noexcept { return on_the_way_; }
  size_t waiting() const noexcept;
  uint64_t lent() const noexcept { return lent_; }
  // The integral of in_use() over time since forget().
  double use() noexcept;
  void forget() noexcept;

 private:
  struct Waiter {
    uint32_t transaction;
    double since;
  };
  struct Home {
    std::deque<Waiter> waiters;
    int clients = 0;
    int idle = 0;
    int owned = 0;
    bool hungry = false;
    bool armed = false;
  };

  void give(uint32_t home);
  void grant(uint32_t transaction, double waited);
  void arm(uint32_t home);
  void grow_hungry(uint32_t home);
  void calm(Home& home) noexcept;
  bool lend(uint32_t home);
  void count_use(int change) noexcept;
  uint32_t home_count(int clients) const noexcept;

  uint32_t number_;
  PoolPort& port_;
  const Costs& costs_;
  std::vector<Home> homes_;
  int limit_;
  uint32_t workers_;
  uint32_t first_worker_;
  int clients_ = 0;
  int opened_ = 0;  // also those being dialled
  int in_use_ = 0;
  int on_the_way_ = 0;  // being dialled or handed over
  int hungry_ = 0;
  uint64_t lent_ = 0;
  double use_ = 0;
  double counted_until_ = 0;
};

}  // namespace remuda::bench::model
