#include "io/block_chain.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "remuda/base/error.h"

namespace remuda::io {

BlockChain::BlockChain(BlockChain&& other) noexcept
    : pool_(other.pool_),
      head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

BlockChain& BlockChain::operator=(BlockChain&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  head_ = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void BlockChain::append(const char* data, size_t n) {
  while (n > 0) {
    if (tail_ == nullptr || tail_->end == tail_->capacity) add_block(n);
    const size_t part = std::min<size_t>(n, tail_->capacity - tail_->end);
    std::memcpy(tail_->data() + tail_->end, data, part);
    tail_->end += static_cast<uint32_t>(part);
    size_ += part;
    data += part;
    n -= part;
  }
}

// What comes in small pieces grows by doubling, so that a long chain has few blocks.
void BlockChain::add_block(size_t wanted) {
  const size_t at_least = tail_ != nullptr ? size_t{tail_->capacity} * 2 : 0;
  BlockBody* fresh = pool_->get(std::max(wanted, at_least)).release();
  (tail_ != nullptr ? tail_->next : head_) = fresh;
  tail_ = fresh;
}

void BlockChain::consume(size_t n) noexcept {
  REMUDA_CHECK(n <= size_);
  size_ -= n;
  while (head_ != nullptr) {
    const size_t here = head_->end - head_->begin;
    if (n < here) {
      head_->begin += static_cast<uint32_t>(n);
      return;
    }
    n -= here;
    drop_front();
  }
}

void BlockChain::clear() noexcept {
  while (head_ != nullptr) drop_front();
  size_ = 0;
}

std::string_view BlockChain::front() const noexcept {
  if (head_ == nullptr) return {};
  return {head_->data() + head_->begin, head_->end - head_->begin};
}

size_t BlockChain::runs(uv_buf_t* out, size_t most) const noexcept {
  size_t count = 0;
  for (BlockBody* body = head_; body != nullptr && count < most; body = body->next) {
    out[count++] = uv_buf_init(body->data() + body->begin, body->end - body->begin);
  }
  return count;
}

void BlockChain::drop_front() noexcept {
  const Block dropped(std::exchange(head_, head_->next), BlockReturn{pool_});
  if (head_ == nullptr) tail_ = nullptr;
}

}  // namespace remuda::io
