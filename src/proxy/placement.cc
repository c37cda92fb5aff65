#include "proxy/placement.h"

#include <algorithm>
#include <functional>

#include "proxy/worker.h"

namespace remuda::proxy {

Worker& home_of(const Shared& shared, const std::string& database, const std::string& user) {
  const size_t hash = std::hash<std::string>{}(database + '\0' + user);
  return *shared.workers[hash % shared.workers.size()];
}

Worker& home_of(const Shared& shared, const Ledger& ledger) {
  return home_of(shared, ledger.database->name, ledger.user->name);
}

size_t home_count(int pool_size, int clients, size_t workers) noexcept {
  const auto most = static_cast<int>(workers);
  const int homes = pool_size <= 0 ? most : std::clamp(pool_size / kServersPerHome, 1, most);
  return static_cast<size_t>(std::clamp(clients / kClientsPerHome, 1, homes));
}

std::vector<Worker*> homes_of(const Shared& shared, const Ledger& ledger) {
  const size_t workers = shared.workers.size();
  const size_t count = home_count(ledger.servers.limit(), ledger.client_count(), workers);
  const auto first = static_cast<size_t>(home_of(shared, ledger).index());
  std::vector<Worker*> homes;
  for (size_t i = 0; i < count; ++i) homes.push_back(shared.workers[(first + i) % workers]);
  return homes;
}

namespace {

int roomiest_home(const Shared& shared, const Ledger& ledger) {
  const auto clients = [&ledger](const Worker* worker) {
    const auto& part = ledger.parts[static_cast<size_t>(worker->index())];
    return part.clients.load(std::memory_order_relaxed);
  };
  const std::vector<Worker*> homes = homes_of(shared, ledger);
  const auto roomiest = std::min_element(
      homes.begin(), homes.end(),
      [&clients](const Worker* a, const Worker* b) { return clients(a) < clients(b); });
  return (*roomiest)->index();
}

}  // namespace

Seat::Seat(const Shared& shared, std::shared_ptr<Ledger> ledger)
    : Seat(ledger, roomiest_home(shared, *ledger)) {}

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
  return **std::min_element(
      shared.workers.begin(), shared.workers.end(),
      [](const Worker* a, const Worker* b) { return a->logins() < b->logins(); });
}

}  // namespace remuda::proxy
