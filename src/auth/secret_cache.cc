#include "auth/secret_cache.h"

#include <algorithm>
#include <exception>

namespace remuda::auth {

// A waiter's place in a flight: whoever leaves early is forgotten.
struct SecretCache::Seat {
  Seat(SecretCache& cache, const Key& key, io::Waiter<FoundSecret>& waiter)
      : cache_(cache), key_(key), waiter_(waiter) {
    cache_.flights_.at(key_).waiters.push_back(&waiter_);
  }
  ~Seat() {
    const auto flight = cache_.flights_.find(key_);
    if (flight != cache_.flights_.end()) std::erase(flight->second.waiters, &waiter_);
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  SecretCache& cache_;
  const Key& key_;
  io::Waiter<FoundSecret>& waiter_;
};

SecretCache::SecretCache(io::Loop& loop, io::TaskScope& tasks, Fetch fetch)
    : loop_(loop), tasks_(tasks), fetch_(std::move(fetch)) {}

SecretCache::~SecretCache() {
  REMUDA_CHECK(flights_.empty());
}

io::Task<FoundSecret> SecretCache::get(Key key, bool refresh, io::Deadline& deadline) {
  if (const FoundSecret* known = find(key, refresh)) {
    FoundSecret found = *known;
    found.may_be_old = true;
    co_return found;
  }
  io::Waiter<FoundSecret> waiter(loop_);
  const bool is_first = !flights_.contains(key);
  if (is_first) flights_[key].generation = generation_;
  const Seat seat(*this, key, waiter);
  const io::Deadline::Aim aim(deadline, waiter);
  const io::CloseLink link(tasks_, waiter);
  if (is_first) tasks_.spawn(fly(key));
  FoundSecret found = co_await waiter.wait();
  found.may_be_old = !is_first;
  co_return found;
}

io::Task<void> SecretCache::fly(Key key) {
  try {
    const FoundSecret found = co_await fetch_(key);
    land(key, found);
  } catch (...) {
    crash(key, std::current_exception());
  }
}

void SecretCache::land(const Key& key, const FoundSecret& found) {
  const auto flight = flights_.extract(key);
  if (flight.mapped().generation == generation_) keep(key, found);
  for (io::Waiter<FoundSecret>* waiter : flight.mapped().waiters) {
    FoundSecret copy = found;
    (void)waiter->set(std::move(copy));
  }
}

void SecretCache::crash(const Key& key, std::exception_ptr why) {
  const auto flight = flights_.extract(key);
  for (io::Waiter<FoundSecret>* waiter : flight.mapped().waiters) waiter->fail(why);
}

Micros SecretCache::ttl_of(const Entry& entry) const noexcept {
  const bool is_usable = entry.found.found && !entry.found.secret.empty();
  return is_usable ? ttl_ : std::min(ttl_, kNegativeTtl);
}

// Null: it is to be asked for. A refresh counts from here, also if it fails.
const FoundSecret* SecretCache::find(const Key& key, bool refresh) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  Entry& entry = *at->second;
  const Micros now = loop_.now();
  if (now - entry.fetched >= ttl_of(entry)) return nullptr;
  const bool may_refresh = entry.refreshed == 0 || now - entry.refreshed >= kRefreshPeriod;
  if (!refresh || !may_refresh) return &entry.found;
  entry.refreshed = now;
  return nullptr;
}

void SecretCache::keep(const Key& key, const FoundSecret& found) {
  drop_expired();
  if (ttl_ <= 0) return;
  Entry entry{key, found, loop_.now(), 0};
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    entry.refreshed = known->second->refreshed;
    drop(known->second);
  }
  if (entries_.size() >= kMost) drop(entries_.begin());
  by_key_[key] = entries_.insert(entries_.end(), std::move(entry));
}

void SecretCache::drop(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void SecretCache::drop_expired() {
  const Micros now = loop_.now();
  while (!entries_.empty() && now - entries_.front().fetched >= ttl_) drop(entries_.begin());
}

void SecretCache::clear() {
  ++generation_;
  by_key_.clear();
  entries_.clear();
}

void SecretCache::reset(Micros ttl) {
  clear();
  ttl_ = ttl;
}

}  // namespace remuda::auth
