// The parts of a Stream that only a busy one has. For stream.cc, stream_read.cc and
// stream_write.cc.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "io/block_chain.h"
#include "io/stream.h"
#include "io/waiter.h"

namespace remuda::io {

// Pull mode: what was received and not yet asked for, and who waits for more.
struct Stream::Pull {
  std::string bytes;
  size_t taken = 0;
  StreamRead* reader = nullptr;
  std::exception_ptr why;  // interrupted while nobody waited
  int end = 0;             // libuv's code, once the stream has ended

  size_t unread() const noexcept { return bytes.size() - taken; }
  size_t take(char* buffer, size_t size) noexcept;
  std::string take_all();
  // Lets the reader go on, with bytes or with an error.
  void finish(Loop& loop, size_t n, std::exception_ptr error) noexcept;
};

// Bytes the kernel would not take yet. While a write is in flight libuv holds on to this: a stream
// that closes leaves it behind, and it goes when libuv is done.
struct Stream::Backlog {
  explicit Backlog(Loop& loop) : chain(loop.blocks()) { request.data = this; }

  uv_write_t request{};
  BlockChain chain;
  size_t in_flight = 0;
  Waiter<void>* drained = nullptr;
};

}  // namespace remuda::io
