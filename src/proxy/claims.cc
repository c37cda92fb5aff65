#include "proxy/claims.h"

#include <algorithm>

namespace remuda::proxy {

// What is stated is seen by whoever gives something back afterwards, and the other way about.
void Claims::state(const Claim& claim) {
  const std::lock_guard lock(mutex_);
  forget(claim.pool, claim.worker);
  claims_.push_back(claim);
  oldest_.store(find_first()->since);
}

void Claims::withdraw(const Ledger* pool, int worker) {
  const std::lock_guard lock(mutex_);
  forget(pool, worker);
  const std::optional<Claim> first = find_first();
  oldest_.store(first ? first->since : 0);
}

std::optional<Claims::Claim> Claims::first() const {
  if (oldest() == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return find_first();
}

bool Claims::is_another_older(const Ledger* pool, Micros since) const {
  if (oldest() == 0 || (since != 0 && oldest() >= since)) return false;
  const std::lock_guard lock(mutex_);
  return std::any_of(claims_.begin(), claims_.end(), [&](const Claim& claim) {
    return claim.pool != pool && (since == 0 || claim.since < since);
  });
}

std::optional<Claims::Claim> Claims::find_first() const {
  const auto first =
      std::min_element(claims_.begin(), claims_.end(),
                       [](const Claim& a, const Claim& b) { return a.since < b.since; });
  if (first == claims_.end()) return std::nullopt;
  return *first;
}

void Claims::forget(const Ledger* pool, int worker) {
  std::erase_if(claims_,
                [&](const Claim& claim) { return claim.pool == pool && claim.worker == worker; });
}

}  // namespace remuda::proxy
