// What Stream::read_some() returns: the wait for bytes. Lives in the awaiting frame; outlives the
// stream if that is closed meanwhile.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>

namespace remuda::io {

class Stream;

class [[nodiscard]] StreamRead {
 public:
  StreamRead(Stream& stream, char* buffer, size_t size) noexcept
      : stream_(&stream), buffer_(buffer), size_(size) {}
  StreamRead(const StreamRead&) = delete;
  StreamRead& operator=(const StreamRead&) = delete;

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  size_t await_resume();

 private:
  friend class Stream;
  Stream* stream_;
  char* buffer_;
  size_t size_;
  size_t n_ = 0;
  std::exception_ptr error_;
  std::coroutine_handle<> waiting_;
};

}  // namespace remuda::io
