#include "io/stream_read.h"

#include "io/stream.h"
#include "io/stream_parts.h"
#include "remuda/base/error.h"

namespace remuda::io {

bool StreamRead::await_ready() {
  if (!stream_->is_open()) {
    error_ = std::make_exception_ptr(Closed("connection is closed"));
    return true;
  }
  Stream::Pull& pull = stream_->pull();
  if (pull.why) {
    error_ = std::exchange(pull.why, nullptr);
  } else if (pull.unread() > 0) {
    n_ = pull.take(buffer_, size_);
    stream_->read_on();
  } else if (stream_->ended_) {
    error_ = stream_->end_error();
  } else {
    stream_->read_on();
    return false;
  }
  return true;
}

void StreamRead::await_suspend(std::coroutine_handle<> waiting) noexcept {
  REMUDA_CHECK(stream_->pull_->reader == nullptr);
  waiting_ = waiting;
  stream_->pull_->reader = this;
}

size_t StreamRead::await_resume() {
  if (error_) std::rethrow_exception(error_);
  return n_;
}

}  // namespace remuda::io
