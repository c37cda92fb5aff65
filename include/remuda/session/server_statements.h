// The prepared statements that a server has, in the order of their last use. Owned by the server's
// view. One thread.
#pragma once

#include <list>
#include <unordered_map>
#include <vector>

#include "remuda/session/statement.h"

namespace remuda::session {

class ServerStatements {
 public:
  using Order = std::list<StatementDigest>;

  // True when the server has it; it is then the one used last.
  bool use(const StatementDigest& digest) noexcept;
  // As the one used last, or the one to go first. Nothing happens if it is there.
  void add(const StatementDigest& digest) { insert(order_.begin(), digest); }
  void add_oldest(const StatementDigest& digest) { insert(order_.end(), digest); }
  // True when it was there.
  bool remove(const StatementDigest& digest) noexcept;
  void clear() noexcept;

  size_t size() const noexcept { return order_.size(); }
  // The one used last comes first.
  const Order& order() const noexcept { return order_; }

 private:
  void insert(Order::iterator before, const StatementDigest& digest);

  Order order_;
  std::unordered_map<StatementDigest, Order::iterator, StatementDigest::Hash> at_;
};

}  // namespace remuda::session
