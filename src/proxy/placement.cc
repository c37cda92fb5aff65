#include "proxy/placement.h"

#include <algorithm>
#include <functional>

#include "proxy/worker.h"

namespace remuda::proxy {
namespace {

size_t first_home(const std::string& database, const std::string& user, size_t workers) {
  return std::hash<std::string>{}(database + '\0' + user) % workers;
}

}  // namespace

Worker& home_of(const Shared& shared, const std::string& database, const std::string& user) {
  return *shared.workers[first_home(database, user, shared.workers.size())];
}

size_t home_count(int pool_size, int clients, size_t workers) noexcept {
  const auto most = static_cast<int>(workers);
  const int homes = pool_size <= 0 ? most : std::clamp(pool_size / kServersPerHome, 1, most);
  return static_cast<size_t>(std::clamp(clients / kClientsPerHome, 1, homes));
}

Seat::Seat(const Shared& shared, std::shared_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {
  const size_t workers = shared.workers.size();
  const size_t homes = home_count(ledger_->servers.limit(), ledger_->client_count(), workers);
  const size_t first = first_home(ledger_->database->name, ledger_->user->name, workers);
  const auto clients = [this](size_t worker) {
    return ledger_->parts[worker].clients.load(std::memory_order_relaxed);
  };
  size_t best = first;
  for (size_t i = 1; i < homes; ++i) {
    const size_t other = (first + i) % workers;
    if (clients(other) < clients(best)) best = other;
  }
  worker_ = static_cast<int>(best);
  ledger_->parts[best].clients.fetch_add(1, std::memory_order_relaxed);
}

Seat::Seat(std::shared_ptr<Ledger> ledger, int worker)
    : ledger_(std::move(ledger)), worker_(worker) {
  ledger_->parts[static_cast<size_t>(worker)].clients.fetch_add(1, std::memory_order_relaxed);
}

Seat::~Seat() {
  if (ledger_) leave(*ledger_, worker_);
}

void Seat::leave(Ledger& ledger, int worker) noexcept {
  ledger.parts[static_cast<size_t>(worker)].clients.fetch_sub(1, std::memory_order_relaxed);
}

Worker& least_busy(const Shared& shared) {
  return **std::min_element(shared.workers.begin(), shared.workers.end(),
                            [](const Worker* a, const Worker* b) { return a->logins() < b->logins(); });
}

}  // namespace remuda::proxy
