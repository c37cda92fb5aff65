#include "io/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/guard.h"
#include "io/loop.h"
#include "io/stream_parts.h"
#include "remuda/base/error.h"

namespace remuda::io {
namespace {

// What a connection takes, about: its handle, and what its owner keeps beside it.
constexpr size_t kHeap = 768;

bool is_unix_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) {
    throw SystemError(errno, "getsockopt(SO_DOMAIN)");
  }
  return domain == AF_UNIX;
}

}  // namespace

size_t Stream::Pull::take(char* buffer, size_t size) noexcept {
  const size_t n = std::min(size, unread());
  std::memcpy(buffer, bytes.data() + taken, n);
  taken += n;
  if (unread() == 0) {
    bytes.clear();
    taken = 0;
  }
  return n;
}

std::string Stream::Pull::take_all() {
  bytes.erase(0, std::exchange(taken, 0));
  return std::exchange(bytes, std::string());
}

std::exception_ptr Stream::end_error() const {
  const int end = pull_->end;
  if (tls_ && tls_->has_failed()) {
    return std::make_exception_ptr(Closed("TLS: " + tls_->fault()));
  }
  return std::make_exception_ptr(Closed(end == UV_EOF ? "unexpected eof" : uv_strerror(end)));
}

void Stream::Pull::finish(Loop& loop, size_t n, std::exception_ptr error) noexcept {
  StreamRead* finished = std::exchange(reader, nullptr);
  finished->n_ = n;
  finished->error_ = std::move(error);
  loop.resume_later(finished->waiting_);
}

void Stream::PullDelete::operator()(Pull* pull) const noexcept {
  delete pull;
}

void Stream::HandleClose::operator()(uv_stream_t* handle) const noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    if (closed->type == UV_TCP) {
      delete reinterpret_cast<uv_tcp_t*>(closed);
    } else {
      delete reinterpret_cast<uv_pipe_t*>(closed);
    }
  });
}

Stream::Stream() noexcept = default;
Stream::~Stream() {
  close();
}

Stream::Stream(Stream&& other) noexcept {
  *this = std::move(other);
}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  close();
  handle_ = std::move(other.handle_);
  if (handle_) handle_->data = this;
  events_ = std::exchange(other.events_, nullptr);
  pull_ = std::move(other.pull_);
  backlog_ = std::move(other.backlog_);
  tls_ = std::move(other.tls_);
  reading_ = std::exchange(other.reading_, false);
  paused_ = std::exchange(other.paused_, false);
  ended_ = std::exchange(other.ended_, false);
  broken_ = std::exchange(other.broken_, false);
  return *this;
}

Stream::Handle Stream::open_handle(Loop& loop, int fd, bool is_unix) {
  Handle handle;
  int error = 0;
  if (is_unix) {
    auto* pipe = new uv_pipe_t;
    uv_pipe_init(loop.raw(), pipe, 0);
    handle.reset(reinterpret_cast<uv_stream_t*>(pipe));
    error = uv_pipe_open(pipe, fd);
  } else {
    auto* tcp = new uv_tcp_t;
    uv_tcp_init(loop.raw(), tcp);
    handle.reset(reinterpret_cast<uv_stream_t*>(tcp));
    error = uv_tcp_open(tcp, fd);
    if (error == 0) uv_tcp_nodelay(tcp, 1);
  }
  if (error != 0) throw SystemError(-error, is_unix ? "uv_pipe_open()" : "uv_tcp_open()");
  return handle;
}

Stream Stream::adopt(Loop& loop, FileDescriptor fd) {
  Stream stream;
  stream.handle_ = open_handle(loop, fd.get(), is_unix_socket(fd.get()));
  stream.handle_->data = &stream;
  fd.release();
  loop.heap_trim().taken(kHeap);
  return stream;
}

Stream Stream::adopt(Loop& loop, Parcel parcel) {
  Stream stream = adopt(loop, std::move(parcel.fd));
  stream.tls_ = std::move(parcel.tls);
  if (stream.tls_) loop.heap_trim().taken(TlsSession::kHeap);
  if (!parcel.unread.empty()) stream.pull().bytes = std::move(parcel.unread);
  return stream;
}

Parcel Stream::detach(int highest_fd) && {
  REMUDA_CHECK(handle_ && !backlog_ && (!pull_ || pull_->reader == nullptr));
  // libuv closes the descriptor together with its handle, so the connection lives on in a copy.
  Parcel parcel;
  parcel.fd = FileDescriptor(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  if (!parcel.fd) throw SystemError(errno, "fcntl(F_DUPFD_CLOEXEC)");
  if (parcel.fd.get() >= highest_fd) throw SystemError(EMFILE, "fcntl(F_DUPFD_CLOEXEC)");
  parcel.is_unix = is_unix();
  parcel.unread = take_unread();
  if (tls_) loop().heap_trim().given_back(TlsSession::kHeap);
  parcel.tls = std::move(tls_);
  close();
  return parcel;
}

StreamRead Stream::read_some(char* buffer, size_t size) noexcept {
  return StreamRead(*this, buffer, size);
}

bool Stream::has_ended() const noexcept {
  return ended_ && (!pull_ || pull_->unread() == 0);
}

std::string Stream::take_unread() {
  std::string bytes;
  if (pull_) bytes = pull_->take_all();
  return bytes;
}

void Stream::put_back(std::string bytes) {
  if (bytes.empty()) return;
  REMUDA_CHECK(handle_ && events_ == nullptr && (!pull_ || pull_->reader == nullptr));
  pull().bytes = std::move(bytes) + pull().take_all();
}

void Stream::interrupt(std::exception_ptr why) noexcept {
  if (!handle_ || events_ != nullptr) return;
  if (pull_ && pull_->reader != nullptr) {
    pull_->finish(loop(), 0, std::move(why));
  } else if (backlog_ && backlog_->drained != nullptr) {
    std::exchange(backlog_->drained, nullptr)->fail(std::move(why));
  } else {
    pull().why = std::move(why);
  }
}

void Stream::start(StreamEvents& events) noexcept {
  REMUDA_CHECK(handle_ && (!pull_ || pull_->reader == nullptr));
  const std::unique_ptr<Pull, PullDelete> before = std::move(pull_);
  events_ = &events;
  read_on();
  if (!before) return;
  // The handle outlives, for this turn of the loop, a stream that dies in a callback, and it knows
  // where a moved one has gone.
  const uv_stream_t* handle = handle_.get();
  std::string bytes = before->take_all();
  if (!bytes.empty()) events.on_bytes(bytes.data(), bytes.size());
  auto* stream = static_cast<Stream*>(handle->data);
  if (before->end != 0 && stream != nullptr) stream->pushed(nullptr, before->end);
}

void Stream::stop_pushing() noexcept {
  REMUDA_CHECK(handle_ && events_ != nullptr);
  events_ = nullptr;
  paused_ = false;
  pull();
}

void Stream::pause_reading() noexcept {
  paused_ = true;
}

void Stream::resume_reading() noexcept {
  paused_ = false;
  read_on();
}

Stream::Pull& Stream::pull() {
  if (!pull_) pull_.reset(new Pull);
  return *pull_;
}

void Stream::read_on() noexcept {
  if (reading_ || ended_ || !handle_) return;
  if (pull_ && pull_->unread() >= kReadAhead) return;
  REMUDA_CHECK(uv_read_start(handle_.get(), on_alloc, on_read) == 0);
  reading_ = true;
}

void Stream::stop_reading() noexcept {
  if (!reading_) return;
  uv_read_stop(handle_.get());
  reading_ = false;
}

void Stream::on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) noexcept {
  const auto* stream = static_cast<const Stream*>(handle->data);
  Loop& loop = Loop::of(handle->loop);
  std::span<char> lent = loop.read_buffer(handle);
  if (stream->tls_) lent = loop.tls_buffers().arriving;
  size_t size = lent.size();
  if (stream->events_ == nullptr) {
    size = kReadAhead - std::min(kReadAhead, stream->pull_->unread());
  } else if (stream->paused_) {
    size = 0;  // on_read then gets UV_ENOBUFS
  }
  *buffer = uv_buf_init(lent.data(), static_cast<unsigned>(size));
}

void Stream::on_read(uv_stream_t* handle, ssize_t n, const uv_buf_t* buffer) noexcept {
  guarded([=] {
    auto* stream = static_cast<Stream*>(handle->data);
    if (n == 0) return;  // nothing there after all
    if (n == UV_ENOBUFS) {
      stream->stop_reading();
    } else if (stream->tls_ && n > 0) {
      stream->decrypt(buffer->base, static_cast<size_t>(n));
    } else {
      const bool is_filled = n > 0 && static_cast<size_t>(n) == buffer->len;
      stream->loop().note_read(reinterpret_cast<uv_handle_t*>(handle), is_filled);
      stream->received(buffer->base, n);
    }
  });
}

void Stream::received(char* data, ssize_t n) {
  if (n < 0 && tls_ && tls_->has_failed()) n = UV_EPROTO;
  if (events_ != nullptr) {
    pushed(data, n);
  } else {
    pulled(data, n);
  }
}

void Stream::pulled(const char* data, ssize_t n) {
  Pull& pull = *pull_;
  if (n < 0) {
    ended_ = true;
    stop_reading();
    pull.end = static_cast<int>(n);
    if (pull.reader != nullptr) pull.finish(loop(), 0, end_error());
    return;
  }
  pull.bytes.append(data, static_cast<size_t>(n));
  if (pull.reader != nullptr) {
    pull.finish(loop(), pull.take(pull.reader->buffer_, pull.reader->size_), nullptr);
  }
  if (pull.unread() >= kReadAhead) stop_reading();
}

// Either callback may be the end of this stream: nothing is touched after it.
void Stream::pushed(char* data, ssize_t n) noexcept {
  if (n > 0) {
    events_->on_bytes(data, static_cast<size_t>(n));
    return;
  }
  ended_ = true;
  stop_reading();
  events_->on_end(n == UV_EOF ? 0 : static_cast<int>(-n));
}

void Stream::let_go() noexcept {
  if (pull_ && pull_->reader != nullptr) {
    pull_->finish(loop(), 0, std::make_exception_ptr(Closed("connection is closed")));
  }
  pull_.reset();
  if (backlog_ && backlog_->drained != nullptr) {
    std::exchange(backlog_->drained, nullptr)
        ->fail(std::make_exception_ptr(Closed("connection is closed")));
  }
  events_ = nullptr;
}

void Stream::close() noexcept {
  if (!handle_) return;
  let_go();
  if (!backlog_) say_goodbye();
  backlog_.reset();
  loop().heap_trim().given_back(kHeap + (tls_ ? TlsSession::kHeap : 0));
  tls_.reset();
  handle_.reset();
  reading_ = paused_ = ended_ = broken_ = false;
}

int Stream::fd() const noexcept {
  uv_os_fd_t fd = -1;
  if (handle_) uv_fileno(reinterpret_cast<const uv_handle_t*>(handle_.get()), &fd);
  return fd;
}

bool Stream::is_unix() const noexcept {
  return handle_->type == UV_NAMED_PIPE;
}

Loop& Stream::loop() const noexcept {
  return Loop::of(handle_->loop);
}

}  // namespace remuda::io
