#include "auth/scram_cache.h"

namespace remuda::auth {

const ScramCache::Entry* ScramCache::find(const std::string& user,
                                          const wire::Digest& password_digest,
                                          const std::string& salt, uint32_t iterations) const {
  const auto known = entries_.find(user);
  if (known == entries_.end()) return nullptr;
  const Entry& entry = known->second;
  const bool fits = entry.password_digest == password_digest && entry.secret.salt == salt &&
                    entry.secret.iterations == iterations;
  return fits ? &entry : nullptr;
}

io::Task<ScramCache::Made> ScramCache::secret(std::string user, std::string password,
                                              std::string salt, uint32_t iterations) {
  const wire::WipeAtEnd wiped(password);
  const wire::Digest digest = wire::sha256(password);
  Made made;
  if (const Entry* known = find(user, digest, salt, iterations)) {
    made.secret = known->secret;
    co_return made;
  }
  co_await crypto_.enter();
  const io::OffloadPlace place(&crypto_);
  // Whoever was in front of us may have been the same user.
  if (const Entry* known = find(user, digest, salt, iterations)) {
    made.secret = known->secret;
    co_return made;
  }
  auto work = [&] { return wire::build_secret(password, salt, iterations); };
  const wire::ScramSecret secret = co_await io::offload(loop_, work);
  made.secret = secret;
  made.is_new = true;
  if (entries_.size() >= kMost) entries_.erase(entries_.begin());
  Entry entry{digest, secret};
  entries_.insert_or_assign(std::move(user), entry);
  co_return made;
}

}  // namespace remuda::auth
