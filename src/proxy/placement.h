// Which workers serve a pool. Every pool has a home, found by its name; a large one has several, so
// that one hot pool can use several cores, and clients are spread over them. Few clients stay
// together: threads that have little to do only wake each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/ledger.h"
#include "proxy/shared.h"

namespace remuda::proxy {

// A home has this many servers or more, and this many clients before the next home gets any.
constexpr int kServersPerHome = 4;
constexpr int kClientsPerHome = 8;

// The first home of a pool: the only one of a small pool; and what is to happen once happens there.
Worker& home_of(const Shared& shared, const std::string& database, const std::string& user);

Worker& home_of(const Shared& shared, const Ledger& ledger);

// How many workers serve a pool of that size (0: no limit) with that many clients.
size_t home_count(int pool_size, int clients, size_t workers) noexcept;

// The homes that a pool has for the clients it has now, the first one first.
std::vector<Worker*> homes_of(const Shared& shared, const Ledger& ledger);

// A client's place on a worker, counted from the moment it is given, so that of many logins at once
// each sees those before it. Any thread.
class Seat {
 public:
  Seat() = default;
  // The home that has fewest clients of the pool.
  Seat(const Shared& shared, std::shared_ptr<Ledger> ledger);
  Seat(std::shared_ptr<Ledger> ledger, int worker);
  Seat(Seat&& other) noexcept = default;
  Seat& operator=(Seat&& other) noexcept {
    std::swap(ledger_, other.ledger_);
    std::swap(worker_, other.worker_);
    return *this;
  }
  ~Seat();

  int worker() const noexcept { return worker_; }
  // The client is there: whoever ends it calls leave().
  void take() noexcept { ledger_.reset(); }
  static void leave(Ledger& ledger, int worker) noexcept;

 private:
  std::shared_ptr<Ledger> ledger_;
  int worker_ = 0;
};

// The worker with the fewest logins in progress, for a new connection.
Worker& least_busy(const Shared& shared);

}  // namespace remuda::proxy
