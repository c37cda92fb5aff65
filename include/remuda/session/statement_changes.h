// What has been done to a client's and a server's prepared statements by messages that the server
// has not answered yet, oldest first: if it skips them after an error, they are undone. And what
// statements will do to settings when they are answered. Owned by the server's view. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remuda/session/statement.h"
#include "remuda/session/statement_effects.h"

namespace remuda::session {

// One statement of a simple query, or that of an Execute.
struct QueryStep {
  StatementEffect effect;
  bool is_ours = false;  // the client has not sent it: its CommandComplete is not for it
  // PREPARE and DEALLOCATE by SQL; done when they were sent, undone if they fail.
  bool client_added = false;
  bool client_removed = false;
  bool server_added = false;
  bool server_removed = false;
  StatementRef statement;
  StatementDigest digest;  // of server_added and server_removed
  std::string name;        // of client_added and client_removed
  std::string error;       // it must fail: this is sent instead of the server's error
};

struct StatementChange {
  bool client_added = false;
  bool client_removed = false;
  bool server_added = false;
  bool server_removed = false;
  bool client_unnamed = false;  // replaced what is now client_previous
  bool server_unnamed = false;  // replaced what is now server_previous
  bool forgets_all = false;     // perhaps: what follows in later batches waits for its end
  uint32_t batch = 0;
  StatementDigest digest;  // of server_added and server_removed
  StatementRef statement;
  StatementSlot client_previous;
  StatementSlot server_previous;
  uint64_t client_version = 0;  // of the client's slot behind the change
  uint64_t server_version = 0;
  std::string name;   // of client_added and client_removed
  std::string error;  // to be sent instead of the server's
  // The statements that it runs, where one of them has an effect; so many have been answered.
  std::vector<QueryStep> steps;
  size_t completed = 0;
};

class StatementChanges {
 public:
  bool empty() const noexcept { return begin_ == changes_.size(); }
  size_t size() const noexcept { return changes_.size() - begin_; }
  StatementChange& operator[](size_t i) noexcept { return changes_[begin_ + i]; }
  const StatementChange& operator[](size_t i) const noexcept { return changes_[begin_ + i]; }
  StatementChange& front() noexcept { return changes_[begin_]; }

  void push(StatementChange change) { changes_.push_back(std::move(change)); }
  // Removes n from a position on.
  void erase(size_t i, size_t n) noexcept {
    const auto first = changes_.begin() + static_cast<ptrdiff_t>(begin_ + i);
    changes_.erase(first, first + static_cast<ptrdiff_t>(n));
  }

  // Drops the n oldest. References into the statements end here.
  void drop(size_t n) noexcept {
    for (; n > 0; --n) changes_[begin_++] = StatementChange{};
    if (begin_ < changes_.size() && begin_ < kMostDropped) return;
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<ptrdiff_t>(begin_));
    begin_ = 0;
  }

 private:
  static constexpr size_t kMostDropped = 4096;

  std::vector<StatementChange> changes_;
  size_t begin_ = 0;
};

}  // namespace remuda::session
