// What has been learnt about a pool's servers, for all workers that have a part of the pool: what a
// server says in greeting, what opens one, and why none can be opened. Any thread: a mutex, but for
// what is asked per query.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pg/login.h"
#include "remuda/base/error.h"
#include "remuda/base/time.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {

using ServerParameters = std::vector<wire::Parameter>;

// Why servers cannot be opened at present.
struct DialFailure {
  SqlState sqlstate;
  std::string message;
  bool is_ours = false;  // this process was short of something: nothing is known of the server
};

class PoolFacts {
 public:
  PoolFacts() = default;
  ~PoolFacts();

  // What the first server reported that was opened under this epoch of the database; null if none.
  std::shared_ptr<const ServerParameters> greeting(uint32_t epoch) const;
  // Kept if it is the first.
  void set_greeting(uint32_t epoch, ServerParameters parameters);
  void forget_greeting();

  // What the last client brought along that opens servers: the keys it proved itself with against a
  // stored SCRAM secret, the secret that auth_query found or it typed. Empty ones teach nothing.
  void learn(std::optional<pg::ProvenKeys> keys, std::string secret);
  std::optional<pg::ProvenKeys> proven_keys() const;
  // The caller wipes it.
  std::string learned_secret() const;

  // The last attempt to open a server failed, or one was begun since.
  void set_failure(DialFailure failure, Micros now);
  void set_attempt(Micros now) noexcept;
  void clear_failure() noexcept {
    failed_at_.store(0);
    short_since_.store(0);
  }
  // The last attempt met a shortage of this process, which says nothing of the server.
  void set_shortage(Micros now) noexcept { short_since_.store(now); }
  // Monotonic; 0: it did not.
  Micros short_since() const noexcept { return short_since_.load(std::memory_order_relaxed); }
  // Monotonic; 0: the last attempt succeeded. Cheap.
  Micros failed_at() const noexcept { return failed_at_.load(std::memory_order_relaxed); }
  DialFailure failure() const;

 private:
  std::atomic<Micros> failed_at_{0};
  std::atomic<Micros> short_since_{0};
  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<const ServerParameters> greeting_;
  uint32_t greeting_epoch_ = 0;
  std::optional<pg::ProvenKeys> proven_keys_;
  std::string learned_secret_;
  DialFailure failure_;
};

}  // namespace remuda::proxy
