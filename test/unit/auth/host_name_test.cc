#include "auth/host_name.h"

#include <netdb.h>

#include <memory>

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::auth::host_name_test {
namespace {

bool is_loopback_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  const io::Address loopback = io::Address::numeric("127.0.0.1", 0).value();
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (io::Address(entry->ai_addr, entry->ai_addrlen).host() == loopback.host()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a client's host name leads back to it") {
  io::Loop loop;
  const io::Address loopback = io::Address::numeric("127.0.0.1", 5432).value();
  const std::string name = io::finish(loop, confirmed_host_name(loop, loopback));
  // Whether this machine knows 127.0.0.1 by a name is its own affair.
  if (name.empty()) {
    WARN("skipped: 127.0.0.1 has no name here");
    return;
  }
  CHECK(is_loopback_name(name));
}

TEST_CASE("what has no name gets none") {
  io::Loop loop;
  const io::Address unix_address = io::Address::unix_path("/tmp/x");
  CHECK(io::finish(loop, confirmed_host_name(loop, unix_address)).empty());
}

}  // namespace remuda::auth::host_name_test
