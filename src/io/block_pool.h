// 16 KiB blocks for bytes that must be kept for a while: unsent remainders, parked client bytes.
// Owned by a Loop, used on its thread only. Freed blocks are kept for reuse, up to a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace remuda::io {

class BlockPool;

// One block as it lies in memory: bytes [begin, end) of data are in use.
struct BlockBody {
  static constexpr size_t kCapacity = 16 * 1024;
  BlockBody* next = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  char data[kCapacity];
};

// Gives a block back to the pool it came from.
struct BlockReturn {
  BlockPool* pool = nullptr;
  void operator()(BlockBody* body) const noexcept;
};

// A block owned like a unique_ptr. Must die before its pool.
using Block = std::unique_ptr<BlockBody, BlockReturn>;

class BlockPool {
 public:
  static constexpr size_t kMostKept = 256;

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // An empty block.
  Block get();
  // Blocks lent and not yet given back; blocks kept for reuse.
  size_t in_use() const noexcept { return in_use_; }
  size_t kept() const noexcept { return kept_; }

 private:
  friend struct BlockReturn;
  void put_back(BlockBody* body) noexcept;

  BlockBody* free_ = nullptr;
  size_t kept_ = 0;
  size_t in_use_ = 0;
};

}  // namespace remuda::io
