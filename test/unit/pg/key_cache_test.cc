#include "pg/key_cache.h"

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::pg::key_cache_test {

TEST_CASE("keys are made once for a password, a salt and a count") {
  io::Loop loop;
  io::OffloadLimit crypto(loop, 2);
  KeyCache cache(loop, crypto);
  const wire::ScramKeys made = io::finish(loop, cache.keys("pw", "salt", 3));
  CHECK(made.client_key == wire::derive_keys(wire::salted_password("pw", "salt", 3)).client_key);
  auto known = cache.keys("pw", "salt", 3);
  CHECK(known.is_done());
  CHECK(known.await_resume().server_key == made.server_key);
  CHECK(cache.size() == 1);
  const wire::ScramKeys other = io::finish(loop, cache.keys("pw", "other", 3));
  CHECK(other.client_key != made.client_key);
  CHECK(cache.size() == 2);
}

TEST_CASE("who waited for the same keys does not make them again") {
  io::Loop loop;
  io::OffloadLimit crypto(loop, 1);
  KeyCache cache(loop, crypto);
  auto first = cache.keys("pw", "salt", 3);
  auto second = cache.keys("pw", "salt", 3);
  CHECK(crypto.queued() == 1);
  const wire::ScramKeys one = io::finish(loop, std::move(first));
  const wire::ScramKeys two = io::finish(loop, std::move(second));
  CHECK(one.client_key == two.client_key);
  CHECK(cache.size() == 1);
  CHECK(crypto.running() == 0);
}

TEST_CASE("a server that changes its salt each time does not fill the memory") {
  io::Loop loop;
  io::OffloadLimit crypto(loop, 2);
  KeyCache cache(loop, crypto);
  for (size_t i = 0; i < KeyCache::kMost + 10; ++i) {
    io::finish(loop, cache.keys("pw", "salt" + std::to_string(i), 1));
  }
  CHECK(cache.size() == KeyCache::kMost);
}

}  // namespace remuda::pg::key_cache_test
