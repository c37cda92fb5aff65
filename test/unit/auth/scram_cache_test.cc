#include "auth/scram_cache.h"

#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::auth::scram_cache_test {
namespace {

ScramCache::Made made(io::Loop& loop, ScramCache& cache, const std::string& user,
                      const std::string& password, const std::string& salt, uint32_t iterations) {
  return io::finish(loop, cache.secret(user, password, salt, iterations));
}

}  // namespace

TEST_CASE("a secret is made once, and again when anything about it changes") {
  io::Loop loop;
  io::OffloadLimit crypto(loop, 2);
  ScramCache cache(loop, crypto);
  const ScramCache::Made first = made(loop, cache, "ann", "pw", "salt", 3);
  CHECK(first.is_new);
  CHECK(first.secret == wire::build_secret("pw", "salt", 3));
  const ScramCache::Made again = made(loop, cache, "ann", "pw", "salt", 3);
  CHECK_FALSE(again.is_new);
  CHECK(again.secret == first.secret);
  CHECK(made(loop, cache, "ann", "other", "salt", 3).is_new);
  CHECK(made(loop, cache, "ann", "other", "tlas", 3).is_new);
  CHECK(made(loop, cache, "ann", "other", "tlas", 4).is_new);
  CHECK(cache.size() == 1);
  CHECK(made(loop, cache, "bob", "other", "tlas", 4).is_new);
  CHECK(cache.size() == 2);
}

TEST_CASE("who waited for the same secret does not make it again") {
  io::Loop loop;
  io::OffloadLimit crypto(loop, 1);
  ScramCache cache(loop, crypto);
  auto first = cache.secret("ann", "pw", "salt", 3);
  auto second = cache.secret("ann", "pw", "salt", 3);
  CHECK(crypto.queued() == 1);
  CHECK(io::finish(loop, std::move(first)).is_new);
  CHECK_FALSE(io::finish(loop, std::move(second)).is_new);
  CHECK(crypto.running() == 0);
}

}  // namespace remuda::auth::scram_cache_test
