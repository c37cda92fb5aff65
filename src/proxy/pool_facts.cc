#include "proxy/pool_facts.h"

#include "remuda/wire/crypto.h"

namespace remuda::proxy {

PoolFacts::~PoolFacts() {
  wire::wipe(learned_secret_);
}

std::shared_ptr<const ServerParameters> PoolFacts::greeting(uint32_t epoch) const {
  const std::lock_guard lock(mutex_);
  return greeting_epoch_ == epoch ? greeting_ : nullptr;
}

void PoolFacts::set_greeting(uint32_t epoch, ServerParameters parameters) {
  const std::lock_guard lock(mutex_);
  // A dial that began before a newer epoch may end after one of that epoch.
  if (greeting_ && static_cast<int32_t>(epoch - greeting_epoch_) <= 0) return;
  greeting_ = std::make_shared<const ServerParameters>(std::move(parameters));
  greeting_epoch_ = epoch;
}

void PoolFacts::forget_greeting() {
  const std::lock_guard lock(mutex_);
  greeting_.reset();
}

void PoolFacts::learn(std::optional<pg::ProvenKeys> keys, std::string secret) {
  const std::lock_guard lock(mutex_);
  if (keys) proven_keys_ = std::move(keys);
  if (secret.empty()) return;
  wire::wipe(learned_secret_);
  learned_secret_ = std::move(secret);
}

std::optional<pg::ProvenKeys> PoolFacts::proven_keys() const {
  const std::lock_guard lock(mutex_);
  return proven_keys_;
}

std::string PoolFacts::learned_secret() const {
  const std::lock_guard lock(mutex_);
  return learned_secret_;
}

void PoolFacts::set_failure(DialFailure failure, Micros now) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
  failed_at_.store(now);
}

void PoolFacts::set_attempt(Micros now) noexcept {
  if (failed_at() != 0) failed_at_.store(now);
}

DialFailure PoolFacts::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace remuda::proxy
