// A queue of bytes over pool blocks: appended by copying, consumed from the front. 32 bytes when
// empty; a short one takes a block that fits. Owned by whoever has bytes to keep, on the loop
// thread of the pool, which must outlive it.
#pragma once

#include <uv.h>

#include <cstddef>
#include <string_view>

#include "io/block_pool.h"

namespace remuda::io {

class BlockChain {
 public:
  explicit BlockChain(BlockPool& pool) noexcept : pool_(&pool) {}
  BlockChain(BlockChain&& other) noexcept;
  BlockChain& operator=(BlockChain&& other) noexcept;
  ~BlockChain() { clear(); }

  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void append(const char* data, size_t n);
  void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  // Drops n bytes at the front, n at most size().
  void consume(size_t n) noexcept;
  void clear() noexcept;

  // The contiguous bytes at the front; empty only if the chain is. Valid until consumed or cleared.
  std::string_view front() const noexcept;
  // Describes up to `most` runs from the front in order; returns how many were set.
  size_t runs(uv_buf_t* out, size_t most) const noexcept;

 private:
  void add_block(size_t wanted);
  void drop_front() noexcept;

  BlockPool* pool_;
  BlockBody* head_ = nullptr;
  BlockBody* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace remuda::io
