#include "auth/scram_cache.h"

namespace remuda::auth {

io::Task<wire::ScramSecret> ScramCache::secret(std::string user, std::string password,
                                               uint32_t iterations) {
  const wire::Digest digest = wire::sha256(password);
  const auto known = entries_.find(user);
  if (known != entries_.end() && known->second.password_digest == digest) {
    co_return known->second.secret;
  }
  const std::string salt = wire::random_bytes(wire::kScramSaltSize);
  auto work = [&] { return wire::build_secret(password, salt, iterations); };
  const wire::ScramSecret made = co_await io::offload(loop_, work, &crypto_);
  wire::wipe(password);
  if (entries_.size() >= kMost) entries_.erase(entries_.begin());
  Entry entry{digest, made};
  entries_.insert_or_assign(std::move(user), entry);
  co_return made;
}

}  // namespace remuda::auth
