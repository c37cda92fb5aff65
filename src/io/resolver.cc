#include "io/resolver.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "io/deadline.h"
#include "io/guard.h"
#include "io/loop.h"
#include "io/task_scope.h"
#include "io/waiter.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::io {
namespace {

using Addresses = std::vector<Address>;
using AnswerWaiter = Waiter<Addresses>;

PgError lookup_failed() {
  return PgError("server DNS lookup failed");
}

Addresses addresses_in(const addrinfo* list) {
  Addresses found;
  for (; list != nullptr; list = list->ai_next) found.emplace_back(list->ai_addr, list->ai_addrlen);
  return found;
}

bool lacks_any(const Addresses& now, const Addresses& before) {
  return std::any_of(before.begin(), before.end(), [&](const Address& address) {
    return std::find(now.begin(), now.end(), address) == now.end();
  });
}

// What needs no look-up: numeric hosts and unix-domain names.
std::optional<Address> literal(const std::string& host, uint16_t port) {
  if (is_unix_host(host)) return Address::unix_path(host);
  return Address::numeric(host, port);
}

}  // namespace

struct Resolver::Entry {
  Addresses addresses;
  Addresses last_found;  // kept over answers without any
  Micros expires = 0;
  bool is_running = false;
  std::vector<AnswerWaiter*> waiting;
};

// A look-up on libuv's thread pool; it cannot be stopped, so it outlives a resolver that dies.
struct Resolver::Lookup {
  uv_getaddrinfo_t request{};
  std::weak_ptr<Resolver*> resolver;
  std::string host;
};

namespace {

// A place among those who wait for an entry's answer.
class Queued {
 public:
  Queued(std::vector<AnswerWaiter*>& queue, AnswerWaiter& waiter) : queue_(queue), waiter_(waiter) {
    queue_.push_back(&waiter_);
  }
  ~Queued() { std::erase(queue_, &waiter_); }
  Queued(const Queued&) = delete;
  Queued& operator=(const Queued&) = delete;

 private:
  std::vector<AnswerWaiter*>& queue_;
  AnswerWaiter& waiter_;
};

}  // namespace

Resolver::Resolver(Loop& loop, Getaddrinfo getaddrinfo)
    : loop_(loop), getaddrinfo_(getaddrinfo), self_(std::make_shared<Resolver*>(this)) {}

Resolver::~Resolver() {
  for (const auto& [host, entry] : names_) REMUDA_CHECK(entry->waiting.empty());
}

void Resolver::set_ttl(Micros found, Micros not_found) noexcept {
  found_ttl_ = found;
  not_found_ttl_ = not_found;
}

Task<std::vector<Address>> Resolver::resolve(std::string host, uint16_t port, Micros timeout,
                                             TaskScope* scope) {
  if (const auto address = literal(host, port)) co_return Addresses(1, *address);
  Addresses addresses;
  const auto known = names_.find(host);
  if (known != names_.end() && known->second->expires > loop_.now()) {
    addresses = known->second->addresses;
  } else {
    auto answer = co_await ask(std::move(host), timeout, scope);
    addresses = std::move(answer);
  }
  if (addresses.empty()) throw lookup_failed();
  for (Address& address : addresses) address.set_port(port);
  co_return addresses;
}

Task<std::vector<Address>> Resolver::ask(std::string host, Micros timeout, TaskScope* scope) {
  const std::shared_ptr<Entry> entry = entry_of(host);
  AnswerWaiter waiter(loop_);
  const Queued queued(entry->waiting, waiter);
  Deadline deadline(loop_, timeout, waiter, "DNS lookup timeout");
  const CloseLink link(scope, waiter);
  if (!entry->is_running) begin(host, *entry);
  auto addresses = co_await waiter.wait();
  co_return addresses;
}

std::shared_ptr<Resolver::Entry> Resolver::entry_of(const std::string& host) {
  const auto known = names_.find(host);
  if (known != names_.end()) return known->second;
  if (names_.size() >= kMostNames) make_room();
  return names_.emplace(host, std::make_shared<Entry>()).first->second;
}

void Resolver::begin(const std::string& host, Entry& entry) {
  auto lookup = std::make_unique<Lookup>();
  lookup->resolver = self_;
  lookup->host = host;
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const auto done = [](uv_getaddrinfo_t* request, int status, addrinfo* list) {
    guarded([=] {
      const std::unique_ptr<Lookup> ended(static_cast<Lookup*>(request->data));
      const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> owned(list, uv_freeaddrinfo);
      const auto resolver = ended->resolver.lock();
      if (resolver) (*resolver)->answered(ended->host, status, addresses_in(list));
    });
  };
  const int error =
      getaddrinfo_(loop_.raw(), &lookup->request, done, host.c_str(), nullptr, &hints);
  if (error != 0) {  // a name that cannot be one: too long, or with bytes that no name has
    log::warning("DNS lookup failed: {}: {}", host, uv_strerror(error));
    throw lookup_failed();
  }
  lookup.release();
  entry.is_running = true;
  ++lookups_;
}

void Resolver::answered(const std::string& host, int status, std::vector<Address> addresses) {
  if (status != 0) log::warning("DNS lookup failed: {}: {}", host, uv_strerror(status));
  const std::shared_ptr<Entry> entry = names_.at(host);
  entry->is_running = false;
  entry->expires = loop_.now() + (addresses.empty() ? not_found_ttl_ : found_ttl_);
  entry->addresses = std::move(addresses);
  if (!entry->addresses.empty()) {
    const Addresses before = std::exchange(entry->last_found, entry->addresses);
    if (dropped_ && lacks_any(entry->addresses, before)) dropped_(host, entry->addresses);
  }
  for (AnswerWaiter* waiter : entry->waiting) {
    // One that timed out meanwhile needs no answer.
    [[maybe_unused]] const bool taken = waiter->set(Addresses(entry->addresses));
  }
}

void Resolver::expire(const std::string& host) noexcept {
  const auto known = names_.find(host);
  if (known != names_.end()) known->second->expires = 0;
}

void Resolver::refresh() {
  for (const auto& [host, entry] : names_) {
    if (entry->is_running || entry->last_found.empty()) continue;
    try {
      begin(host, *entry);
    } catch (const PgError&) {
      continue;  // the log tells; what is known stays
    }
  }
}

// Forgets the name that expires first, among those nobody is asking for.
void Resolver::make_room() {
  auto oldest = names_.end();
  for (auto it = names_.begin(); it != names_.end(); ++it) {
    const Entry& entry = *it->second;
    if (entry.is_running || !entry.waiting.empty()) continue;
    if (oldest == names_.end() || entry.expires < oldest->second->expires) oldest = it;
  }
  if (oldest == names_.end()) throw lookup_failed();
  names_.erase(oldest);
}

std::vector<Resolver::Name> Resolver::names() const {
  std::vector<Name> all;
  for (const auto& [host, entry] : names_) {
    all.push_back({host, std::max<Micros>(entry->expires - loop_.now(), 0), entry->addresses});
  }
  std::sort(all.begin(), all.end(), [](const Name& a, const Name& b) { return a.host < b.host; });
  return all;
}

size_t Resolver::pending() const noexcept {
  return static_cast<size_t>(std::count_if(
      names_.begin(), names_.end(), [](const auto& name) { return name.second->is_running; }));
}

}  // namespace remuda::io
