// The replies a server still owes, in the order in which it will send them.
// A server answers strictly in order, so a ring of what was asked tells whose turn it is, and the
// server is free only when the ring is empty. Owned by the server's view. One thread.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: Extended Query, Pipelining, COPY.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "remuda/session/statement_text.h"

namespace remuda::session {

// What was asked. copy_end stands for CopyDone or CopyFail sent before we knew of a COPY: it has no
// reply of its own, but tells up to where Syncs belong to the copy.
enum class Reply : uint8_t {
  query,
  function,
  parse,
  bind,
  describe,
  execute,
  close,
  sync,
  copy_end
};

// What becomes of the reply.
enum class Action : uint8_t {
  forward,  // the client gets it
  swallow,  // it was our own question: nobody does
  answer,   // the server was not asked: we answer when it is this one's turn
  replace,  // the server was asked what must fail: the client gets our error instead
};

struct Owed {
  Reply reply;
  Action action;
  bool has_change = false;                    // one of StatementChanges belongs to it
  StatementKind kind = StatementKind::other;  // where this says all that has to be known
};

// True for what is answered by ReadyForQuery.
constexpr bool ends_with_ready(Reply reply) noexcept {
  return reply == Reply::query || reply == Reply::function || reply == Reply::sync;
}

class Pipeline {
 public:
  // A client that sends more than this without reading is not read further. PostgreSQL flushes its
  // 8 KiB of output after 1,638 of the shortest replies, so an honest server never stalls below.
  static constexpr size_t kMaxOwed = 4096;

  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ >= kMaxOwed; }
  size_t size() const noexcept { return size_; }
  Owed front() const noexcept { return ring_[head_]; }
  Owed at(size_t i) const noexcept { return ring_[(head_ + i) & (ring_.size() - 1)]; }

  // Grows by doubling up to the limit; a ring that has grown keeps its size.
  void push(Owed owed) {
    if (size_ == ring_.size()) grow();
    ring_[(head_ + size_++) & (ring_.size() - 1)] = owed;
  }
  void push(Reply reply, Action action = Action::forward) { push({reply, action}); }

  void pop() noexcept {
    head_ = (head_ + 1) & (ring_.size() - 1);
    --size_;
  }

  // Pops the head if it is of this kind; false otherwise.
  bool pop_if(Reply reply) noexcept {
    if (empty() || front().reply != reply) return false;
    pop();
    return true;
  }

  // The server skips to the next Sync after an error: forgets what it will not answer, and counts
  // the changes that belonged to it. False when no Sync was sent yet.
  bool skip_to_sync(size_t& changes) noexcept {
    while (!empty() && front().reply != Reply::sync) {
      if (front().has_change) ++changes;
      pop();
    }
    return !empty();
  }

  // Removes n entries from a position above zero on.
  void erase(size_t i, size_t n) noexcept {
    if (n == 0) return;
    for (; i + n < size_; ++i) slot(i) = at(i + n);
    size_ -= n;
  }

  void clear() noexcept { head_ = size_ = 0; }

 private:
  Owed& slot(size_t i) noexcept { return ring_[(head_ + i) & (ring_.size() - 1)]; }

  void grow() {
    std::vector<Owed> larger(ring_.size() * 2);
    for (size_t i = 0; i < size_; ++i) larger[i] = at(i);
    ring_ = std::move(larger);
    head_ = 0;
  }

  std::vector<Owed> ring_ = std::vector<Owed>(8);
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace remuda::session
