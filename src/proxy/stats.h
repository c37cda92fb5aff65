// What a pool has done since it exists. Plain integers of the pool's worker; the console adds them
// up over workers. Times in microseconds.
#pragma once

#include <cstdint>

#include "remuda/base/time.h"

namespace remuda::proxy {

struct Stats {
  uint64_t server_assignments = 0;
  uint64_t transactions = 0;
  uint64_t queries = 0;
  uint64_t received = 0;  // bytes from clients
  uint64_t sent = 0;      // bytes from servers
  uint64_t transaction_time = 0;
  uint64_t query_time = 0;
  uint64_t wait_time = 0;
  uint64_t client_parses = 0;
  uint64_t server_parses = 0;
  uint64_t binds = 0;
  uint64_t client_logins = 0;

  // The counters in the order of SHOW STATS, for whoever walks over all of them.
  static constexpr uint64_t Stats::*kAll[] = {
      &Stats::server_assignments, &Stats::transactions, &Stats::queries,
      &Stats::received,           &Stats::sent,         &Stats::transaction_time,
      &Stats::query_time,         &Stats::wait_time,    &Stats::client_parses,
      &Stats::server_parses,      &Stats::binds,        &Stats::client_logins};

  Stats& operator+=(const Stats& other) noexcept {
    for (auto member : kAll) this->*member += other.*member;
    return *this;
  }
  Stats operator-(const Stats& other) const noexcept {
    Stats difference;
    for (auto member : kAll) difference.*member = this->*member - other.*member;
    return difference;
  }
};

// Running totals with the two last marks, from which averages over one to two periods are made.
struct StatsHistory {
  Stats now;
  Stats newer;
  Stats older;
  // When the marks were made, monotonic; before that, when the history began.
  Micros newer_time = monotonic_now();
  Micros older_time = newer_time;

  void mark() noexcept {
    older = newer;
    older_time = newer_time;
    newer = now;
    newer_time = monotonic_now();
  }
};

}  // namespace remuda::proxy
