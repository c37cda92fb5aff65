// Evens out workers that share large pools: when one has been busy for long while another home of a
// pool has time, some of the pool's clients move there. Rare and slow on purpose: lending sees to
// servers at once. Worker's thread only.
#pragma once

#include <cstddef>

#include "remuda/base/time.h"

namespace remuda::proxy {

class Worker;

// How many of a pool's clients, those that ask something now and then, are to move from a worker to
// another; both loads in thousandths of a core.
size_t clients_to_move(int own_load, int other_load, size_t clients) noexcept;

class Balance {
 public:
  static constexpr Micros kPeriod = kSecond;
  static constexpr int kLooks = 5;  // uneven as often in a row before anybody moves

  explicit Balance(Worker& worker) noexcept : worker_(worker) {}

  // Every maintenance round: looks once per period.
  void look(Micros now);

 private:
  int measure(Micros now) noexcept;
  bool relieve(int own_load);

  Worker& worker_;
  Micros looked_ = 0;
  Micros cpu_ = 0;  // of the thread, when it was looked last
  int uneven_ = 0;
};

}  // namespace remuda::proxy
