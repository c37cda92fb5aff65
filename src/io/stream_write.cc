// The writing half of Stream: try at once, keep the rest, send it later.
#include <limits.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/discard_input.h"
#include "io/guard.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/stream_parts.h"
#include "io/timer.h"
#include "remuda/base/error.h"

namespace remuda::io {
namespace {

constexpr size_t kMostRuns = IOV_MAX;
constexpr size_t kRunsPerSend = 16;  // 256 KiB of backlog at a time

size_t total(const uv_buf_t* runs, size_t count) noexcept {
  size_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += runs[i].len;
  return sum;
}

}  // namespace

void Stream::BacklogDelete::operator()(Backlog* backlog) const noexcept {
  // In flight, it belongs to libuv until on_written.
  if (backlog->in_flight == 0) delete backlog;
}

WriteResult Stream::write(std::string_view bytes) noexcept {
  const uv_buf_t run =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  return write(&run, 1);
}

WriteResult Stream::write(const uv_buf_t* runs, size_t count) noexcept {
  if (!handle_ || broken_) return WriteResult::broken;
  return tls_ ? write_sealed(runs, count) : write_clear(runs, count);
}

WriteResult Stream::write_clear(const uv_buf_t* runs, size_t count) noexcept {
  if (backlog_) return keep_rest(runs, count, 0);
  const ssize_t sent = try_write(runs, count);
  if (sent < 0) {
    broken_ = true;
    return WriteResult::broken;
  }
  if (static_cast<size_t>(sent) == total(runs, count)) return WriteResult::done;
  return keep_rest(runs, count, static_cast<size_t>(sent));
}

// Bytes the kernel took, or libuv's error code. The usual single run goes straight to the kernel:
// with nothing queued in libuv there is nothing libuv would add.
ssize_t Stream::try_write(const uv_buf_t* runs, size_t count) noexcept {
  if (count == 1) {
    const ssize_t n = ::send(fd(), runs->base, runs->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
    return -errno;
  }
  size_t sent = 0;
  for (size_t i = 0; i < count; i += kMostRuns) {
    const size_t batch = std::min(kMostRuns, count - i);
    const size_t wanted = total(runs + i, batch);
    if (wanted == 0) continue;
    const int n = uv_try_write(handle_.get(), runs + i, static_cast<unsigned>(batch));
    if (n < 0 && n != UV_EAGAIN) return n;
    if (n > 0) sent += static_cast<size_t>(n);
    if (n != static_cast<ssize_t>(wanted)) break;
  }
  return static_cast<ssize_t>(sent);
}

WriteResult Stream::keep_rest(const uv_buf_t* runs, size_t count, size_t sent) noexcept {
  if (!backlog_) backlog_.reset(new Backlog(loop()));
  for (size_t i = 0; i < count; ++i) {
    const size_t skip = std::min<size_t>(sent, runs[i].len);
    sent -= skip;
    backlog_->chain.append(runs[i].base + skip, runs[i].len - skip);
  }
  if (backlog_->in_flight > 0 || send_backlog()) return WriteResult::backlog;
  broken_ = true;
  backlog_.reset();
  return WriteResult::broken;
}

bool Stream::send_backlog() noexcept {
  uv_buf_t runs[kRunsPerSend];
  const size_t count = backlog_->chain.runs(runs, kRunsPerSend);
  if (uv_write(&backlog_->request, handle_.get(), runs, static_cast<unsigned>(count), on_written) !=
      0) {
    return false;
  }
  backlog_->in_flight = total(runs, count);
  return true;
}

void Stream::on_written(uv_write_t* request, int status) noexcept {
  guarded([=] {
    auto* backlog = static_cast<Backlog*>(request->data);
    const size_t n = std::exchange(backlog->in_flight, 0);
    auto* stream = static_cast<Stream*>(request->handle->data);
    if (stream == nullptr || stream->backlog_.get() != backlog) {
      delete backlog;  // left behind by a stream that closed
      return;
    }
    backlog->chain.consume(n);
    stream->sent(status);
  });
}

void Stream::sent(int status) noexcept {
  if (status != 0) return fail_writes(-status);
  if (!backlog_->chain.empty()) {
    if (!send_backlog()) fail_writes(EPIPE);
    return;
  }
  Waiter<void>* waiter = backlog_->drained;
  backlog_.reset();
  if (waiter != nullptr) waiter->set();
  if (events_ != nullptr && !ended_) events_->on_drained();
}

// A stream that is being read learns of the end from there, after the last bytes of the peer; one
// that is not would never hear of it.
void Stream::fail_writes(int error) noexcept {
  broken_ = true;
  if (backlog_->drained != nullptr) {
    backlog_->drained->fail(std::make_exception_ptr(Closed(uv_strerror(-error))));
  }
  backlog_.reset();
  if (events_ == nullptr || ended_ || (reading_ && !paused_)) return;
  ended_ = true;
  stop_reading();
  events_->on_end(error);
}

size_t Stream::backlog() const noexcept {
  return backlog_ ? backlog_->chain.size() : 0;
}

Task<void> Stream::drained() {
  if (pull_ && pull_->why) std::rethrow_exception(std::exchange(pull_->why, nullptr));
  if (!handle_ || broken_) throw Closed("connection is closed");
  if (!backlog_) co_return;
  REMUDA_CHECK(backlog_->drained == nullptr);
  Waiter<void> waiter(loop());
  backlog_->drained = &waiter;
  co_await waiter.wait();
}

// Sends what a closed stream has left. Kept by the loop; ends itself.
class Stream::Flusher final : public Leftover, public StreamEvents {
 public:
  explicit Flusher(Stream&& stream) noexcept
      : loop_(stream.loop()), stream_(std::move(stream)), timer_(loop_) {
    // Not reading: the only end then seen is that of writing.
    stream_.stop_reading();
    stream_.events_ = this;
    stream_.paused_ = true;
    stream_.ended_ = false;
    timer_.start(kFlushTime, [this] { loop_.drop(*this); });
  }
  ~Flusher() override {
    if (stream_.is_open()) discard_input(stream_.fd());
  }
  void on_bytes(char*, size_t) noexcept override {}
  void on_end(int) noexcept override { loop_.drop(*this); }
  void on_drained() noexcept override { loop_.drop(*this); }

 private:
  Loop& loop_;
  Stream stream_;
  Timer timer_;
};

void Stream::flush_and_close() noexcept {
  if (!handle_) return;
  let_go();
  if (backlog_) {
    say_goodbye();
    Loop& kept_by = loop();
    kept_by.keep(std::make_unique<Flusher>(std::move(*this)));
  } else {
    discard_input(fd());
    close();
  }
}

}  // namespace remuda::io
