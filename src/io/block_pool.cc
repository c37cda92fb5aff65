#include "io/block_pool.h"

#include "remuda/base/error.h"

namespace remuda::io {

void BlockReturn::operator()(BlockBody* body) const noexcept {
  pool->put_back(body);
}

BlockPool::~BlockPool() {
  REMUDA_CHECK(in_use_ == 0);
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

Block BlockPool::get() {
  BlockBody* body = free_;
  if (body != nullptr) {
    free_ = std::exchange(body->next, nullptr);
    --kept_;
  } else {
    body = new BlockBody;  // its data is left as it is: touched when used
  }
  ++in_use_;
  return Block(body, BlockReturn{this});
}

void BlockPool::put_back(BlockBody* body) noexcept {
  --in_use_;
  if (kept_ >= kMostKept) {
    delete body;
    return;
  }
  body->begin = body->end = 0;
  body->next = std::exchange(free_, body);
  ++kept_;
}

}  // namespace remuda::io
