// Host names to addresses: getaddrinfo on libuv's thread pool, with a bounded cache. One per loop.
// Addresses of one name keep the order of the system's answer; callers rotate. Who wants to know
// that an address is no longer a name's is told by `on_dropped`.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/address.h"
#include "io/task.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Loop;
class TaskScope;

class Resolver {
 public:
  static constexpr size_t kMostNames = 1024;

  // One cached name, for the console. No addresses: the last look-up failed.
  struct Name {
    std::string host;
    Micros left;  // until it is looked up again; 0 when past
    std::vector<Address> addresses;
  };

  // What asks the system.
  using Getaddrinfo = decltype(&uv_getaddrinfo);
  // A name has other addresses than before, and these (with port 0) are all it has now.
  using OnDropped = std::function<void(const std::string& host, const std::vector<Address>& left)>;

  explicit Resolver(Loop& loop, Getaddrinfo getaddrinfo = uv_getaddrinfo);
  // Nobody may be awaiting; look-ups still running are forgotten.
  ~Resolver();

  // dns_max_ttl and dns_nxdomain_ttl, for answers yet to come.
  void set_ttl(Micros found, Micros not_found) noexcept;

  // Called when an answer lacks an address that the one before it had. A name that is not found at
  // all has lost none: that may be the name server's fault.
  void on_dropped(OnDropped dropped) { dropped_ = std::move(dropped); }

  // The next request for this name asks the system, whatever is known.
  void expire(const std::string& host) noexcept;

  // Looks up all names again that had addresses the last time.
  void refresh();

  // At least one address with this port. Numeric hosts, paths and '@' names answer at once.
  // Throws PgError `server DNS lookup failed`; TimedOut after `timeout` (0: none); Closed when the
  // scope, if given, closes. Simultaneous requests for a name share one look-up.
  Task<std::vector<Address>> resolve(std::string host, uint16_t port, Micros timeout = 0,
                                     TaskScope* scope = nullptr);

  // The cache, by name.
  std::vector<Name> names() const;
  size_t pending() const noexcept;
  // Look-ups asked of the system so far.
  uint64_t lookups() const noexcept { return lookups_; }

 private:
  struct Entry;
  struct Lookup;
  Task<std::vector<Address>> ask(std::string host, Micros timeout, TaskScope* scope);
  std::shared_ptr<Entry> entry_of(const std::string& host);
  void begin(const std::string& host, Entry& entry);
  void answered(const std::string& host, int status, std::vector<Address> addresses);
  void make_room();

  Loop& loop_;
  const Getaddrinfo getaddrinfo_;
  OnDropped dropped_;
  Micros found_ttl_ = 15 * kSecond;
  Micros not_found_ttl_ = 15 * kSecond;
  uint64_t lookups_ = 0;
  std::unordered_map<std::string, std::shared_ptr<Entry>> names_;
  std::shared_ptr<Resolver*> self_;  // running look-ups hold it weakly
};

}  // namespace remuda::io
