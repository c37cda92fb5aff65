// Blocks for bytes that must be kept for a while: unsent remainders, parked client bytes. Their
// sizes are powers of two from 128 bytes to 16 KiB, header included, so that the few bytes of a
// client that waits take little. Owned by a Loop, used on its thread only. Freed blocks are kept
// for reuse, up to a bound for each size, so that steady traffic allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace remuda::io {

class BlockPool;
class HeapTrim;

// One block as it lies in memory: bytes [begin, end) of data() are in use.
struct BlockBody {
  BlockBody* next = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t capacity = 0;
  uint32_t size_class = 0;

  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
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
  static constexpr size_t kSmallest = 128;
  static constexpr size_t kClasses = 8;
  static constexpr size_t kLargest = kSmallest << (kClasses - 1);
  // What one block holds at most.
  static constexpr size_t kMostCapacity = kLargest - sizeof(BlockBody);
  // Bytes kept for reuse, for each size.
  static constexpr size_t kMostKept = 256 * 1024;

  // The trim, if given, is told what is taken from the heap and given back.
  explicit BlockPool(HeapTrim* trim = nullptr) noexcept : trim_(trim) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // An empty block with room for `wanted` bytes, or for kMostCapacity if that is less.
  Block get(size_t wanted);
  // Frees what is kept for reuse.
  void drop_kept() noexcept;
  // Blocks lent and not yet given back; blocks kept for reuse; bytes of both.
  size_t in_use() const noexcept { return in_use_; }
  size_t kept() const noexcept { return kept_; }
  size_t bytes() const noexcept { return bytes_; }

 private:
  friend struct BlockReturn;
  struct Shelf {
    BlockBody* free = nullptr;
    size_t kept = 0;
  };

  BlockBody* make(uint32_t size_class);
  void put_back(BlockBody* body) noexcept;
  void destroy(BlockBody* body) noexcept;

  HeapTrim* const trim_;
  std::array<Shelf, kClasses> shelves_{};
  size_t kept_ = 0;
  size_t in_use_ = 0;
  size_t bytes_ = 0;
};

}  // namespace remuda::io
