#include "pg/key_cache.h"

namespace remuda::pg {

io::Task<wire::ScramKeys> KeyCache::keys(std::string password, std::string salt,
                                         uint32_t iterations) {
  const wire::WipeAtEnd wiped(password);
  const wire::Digest digest = wire::sha256(password);
  Key key(std::string(wire::view_of(digest)), salt, iterations);
  auto known = keys_.find(key);
  if (known != keys_.end()) co_return known->second;
  co_await crypto_.enter();
  const io::OffloadPlace place(&crypto_);
  // Whoever was in front of us may have wanted the same.
  known = keys_.find(key);
  if (known != keys_.end()) co_return known->second;
  auto work = [&] { return wire::derive_keys(wire::salted_password(password, salt, iterations)); };
  const wire::ScramKeys made = co_await io::offload(loop_, work);
  if (keys_.size() >= kMost) keys_.erase(keys_.begin());
  keys_.insert_or_assign(std::move(key), made);
  co_return made;
}

}  // namespace remuda::pg
