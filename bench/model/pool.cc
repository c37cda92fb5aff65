#include "model/pool.h"

#include <algorithm>

namespace remuda::bench::model {

Pool::Pool(uint32_t number, PoolPort& port, const Costs& costs, int limit, uint32_t workers,
           uint32_t first_worker)
    : number_(number),
      port_(port),
      costs_(costs),
      homes_(workers),
      limit_(limit),
      workers_(workers),
      first_worker_(first_worker) {}

uint32_t Pool::home_count(int clients) const noexcept {
  const int most = std::clamp(limit_ / costs_.servers_per_home, 1, static_cast<int>(workers_));
  return static_cast<uint32_t>(std::clamp(clients / costs_.clients_per_home, 1, most));
}

uint32_t Pool::place_client() {
  const auto fewer = [](const Home& a, const Home& b) { return a.clients < b.clients; };
  const auto end = homes_.begin() + home_count(clients_++);
  const auto best = std::min_element(homes_.begin(), end, fewer);
  ++best->clients;
  return static_cast<uint32_t>(best - homes_.begin());
}

void Pool::acquire(uint32_t number, uint32_t transaction) {
  Home& home = homes_[number];
  if (home.waiters.empty() && home.idle > 0) {
    --home.idle;
    return grant(transaction, 0);
  }
  home.waiters.push_back({transaction, port_.now()});
  if (opened_ < limit_) {
    ++opened_;
    ++on_the_way_;
    port_.dial(*this, number);
  } else if (home.owned == 0) {
    grow_hungry(number);
  }
  arm(number);
}

void Pool::release(uint32_t number) {
  count_use(-1);
  give(number);
}

// A server of this home has become free.
void Pool::give(uint32_t number) {
  if (hungry_ > 0 && lend(number)) return;
  Home& home = homes_[number];
  if (home.waiters.empty()) {
    ++home.idle;
  } else {
    const Waiter next = home.waiters.front();
    home.waiters.pop_front();
    grant(next.transaction, port_.now() - next.since);
  }
  calm(home);
}

// Gives a free server to the oldest hungry home, if that has waited longer by the patience and by
// a share of what those here have waited.
bool Pool::lend(uint32_t from) {
  const double never = port_.now() + 1;
  double oldest = never;
  uint32_t to = from;
  for (uint32_t i = 0; i < homes_.size(); ++i) {
    const Home& home = homes_[i];
    if (i == from || !home.hungry || home.waiters.front().since >= oldest) continue;
    oldest = home.waiters.front().since;
    to = i;
  }
  Home& lender = homes_[from];
  if (to == from) return false;
  if (!lender.waiters.empty()) {
    const double own = lender.waiters.front().since;
    const double margin = costs_.patience + (port_.now() - own) / costs_.overtaking;
    if (oldest + margin >= own) return false;
  }
  homes_[to].hungry = false;
  --hungry_;
  --lender.owned;
  ++on_the_way_;
  ++lent_;
  port_.hand_over(*this, from, to);
  return true;
}

void Pool::dialled(uint32_t home) {
  --on_the_way_;
  ++homes_[home].owned;
  give(home);
}

void Pool::received(uint32_t number) {
  dialled(number);
  Home& home = homes_[number];
  if (home.waiters.empty() || home.armed) return;
  home.armed = true;
  port_.wake_later(*this, number, costs_.patience);
}

void Pool::fed(uint32_t number) {
  Home& home = homes_[number];
  while (hungry_ > 0 && home.idle > 0 && home.waiters.empty()) {
    if (!lend(number)) return;
    --home.idle;
  }
}

void Pool::arm(uint32_t number) {
  if (homes_[number].armed) return;
  homes_[number].armed = true;
  const double waited = port_.now() - homes_[number].waiters.front().since;
  port_.wake_later(*this, number, std::max(costs_.patience - waited, costs_.patience / 8));
}

void Pool::lost_patience(uint32_t number) {
  Home& home = homes_[number];
  home.armed = false;
  if (home.waiters.empty()) return;
  if (port_.now() - home.waiters.front().since >= costs_.patience) grow_hungry(number);
  arm(number);
}

void Pool::grow_hungry(uint32_t number) {
  Home& home = homes_[number];
  if (home.hungry || homes_.size() == 1) return;
  home.hungry = true;
  ++hungry_;
  const uint32_t homes = home_count(clients_);
  for (uint32_t i = 0; i < homes; ++i) {
    if (i != number) port_.feed(*this, i);
  }
}

void Pool::calm(Home& home) noexcept {
  if (!home.hungry) return;
  const bool fresh = home.waiters.empty() ||
                     (home.owned > 0 && port_.now() - home.waiters.front().since < costs_.patience);
  if (!fresh) return;
  home.hungry = false;
  --hungry_;
}

void Pool::grant(uint32_t transaction, double waited) {
  count_use(1);
  port_.granted(transaction, waited);
}

int Pool::idle() const noexcept {
  int sum = 0;
  for (const Home& home : homes_) sum += home.idle;
  return sum;
}

size_t Pool::waiting() const noexcept {
  size_t sum = 0;
  for (const Home& home : homes_) sum += home.waiters.size();
  return sum;
}

void Pool::count_use(int change) noexcept {
  const double now = port_.now();
  use_ += in_use_ * (now - counted_until_);
  counted_until_ = now;
  in_use_ += change;
}

double Pool::use() noexcept {
  count_use(0);
  return use_;
}

void Pool::forget() noexcept {
  count_use(0);
  use_ = 0;
  lent_ = 0;
}

}  // namespace remuda::bench::model
