#include "io/block_pool.h"

#include <algorithm>
#include <bit>
#include <new>

#include "io/heap_trim.h"
#include "remuda/base/error.h"

namespace remuda::io {
namespace {

constexpr size_t size_of(uint32_t size_class) noexcept {
  return BlockPool::kSmallest << size_class;
}

uint32_t class_for(size_t wanted) noexcept {
  const size_t size = std::min(wanted, BlockPool::kMostCapacity) + sizeof(BlockBody);
  return static_cast<uint32_t>(std::bit_width((size - 1) / BlockPool::kSmallest));
}

}  // namespace

void BlockReturn::operator()(BlockBody* body) const noexcept {
  pool->put_back(body);
}

BlockPool::~BlockPool() {
  REMUDA_CHECK(in_use_ == 0);
  drop_kept();
}

void BlockPool::drop_kept() noexcept {
  for (Shelf& shelf : shelves_) {
    while (shelf.free != nullptr) destroy(std::exchange(shelf.free, shelf.free->next));
    shelf.kept = 0;
  }
  kept_ = 0;
}

Block BlockPool::get(size_t wanted) {
  const uint32_t size_class = class_for(wanted);
  Shelf& shelf = shelves_[size_class];
  BlockBody* body = shelf.free;
  if (body != nullptr) {
    shelf.free = std::exchange(body->next, nullptr);
    --shelf.kept;
    --kept_;
  } else {
    body = make(size_class);
  }
  ++in_use_;
  return Block(body, BlockReturn{this});
}

// The data is left as it is: touched when used.
BlockBody* BlockPool::make(uint32_t size_class) {
  const size_t size = size_of(size_class);
  auto* body = new (::operator new(size)) BlockBody;
  body->capacity = static_cast<uint32_t>(size - sizeof(BlockBody));
  body->size_class = size_class;
  bytes_ += size;
  if (trim_ != nullptr) trim_->taken(size);
  return body;
}

void BlockPool::put_back(BlockBody* body) noexcept {
  --in_use_;
  Shelf& shelf = shelves_[body->size_class];
  if ((shelf.kept + 1) * size_of(body->size_class) > kMostKept) return destroy(body);
  body->begin = body->end = 0;
  body->next = std::exchange(shelf.free, body);
  ++shelf.kept;
  ++kept_;
}

void BlockPool::destroy(BlockBody* body) noexcept {
  const size_t size = size_of(body->size_class);
  bytes_ -= size;
  if (trim_ != nullptr) trim_->given_back(size);
  ::operator delete(body);
}

}  // namespace remuda::io
