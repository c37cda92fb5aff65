#include "remuda/session/server_statements.h"

namespace remuda::session {

bool ServerStatements::use(const StatementDigest& digest) noexcept {
  const auto at = at_.find(digest);
  if (at == at_.end()) return false;
  order_.splice(order_.begin(), order_, at->second);
  return true;
}

bool ServerStatements::remove(const StatementDigest& digest) noexcept {
  const auto at = at_.find(digest);
  if (at == at_.end()) return false;
  order_.erase(at->second);
  at_.erase(at);
  return true;
}

void ServerStatements::clear() noexcept {
  order_.clear();
  at_.clear();
}

void ServerStatements::insert(Order::iterator before, const StatementDigest& digest) {
  if (at_.contains(digest)) return;
  at_.emplace(digest, order_.insert(before, digest));
}

}  // namespace remuda::session
