// Stream over TLS: decrypts what arrives into the loop's read buffer, and encrypts what is written,
// both in the loop's buffers, so that an idle connection has none.
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/loop.h"
#include "io/stream.h"
#include "io/stream_parts.h"
#include "io/tls_session.h"

namespace remuda::io {
namespace {

// Of answers, such as those to new keys, that a peer asks for and does not read.
constexpr size_t kMostBacklog = 512 * 1024;

}  // namespace

SealedBytes Stream::sealed_bytes() const noexcept {
  Loop::TlsBuffers& buffers = loop().tls_buffers();
  SealedBytes sealed;
  sealed.data = buffers.sealed;
  sealed.capacity = sizeof buffers.sealed;
  return sealed;
}

// ---- Reading

// After the peer's goodbye, and after what is no TLS, nothing more is wanted. That is the end, or
// if the stream is paused now, the kernel is told so and reports it in the usual way.
void Stream::decrypt(const char* data, size_t n) {
  SealedBytes sealed = sealed_bytes();
  const std::span<char> out = loop().read_buffer();
  size_t opened = 0;
  TlsSession::Opened outcome =
      tls_->open(std::string_view(data, n), out.data(), out.size(), opened, sealed);
  if (sealed.size > 0 && backlog() > kMostBacklog) {
    tls_->give_up("the peer reads no answers");
    outcome = TlsSession::Opened::failed;
  } else if (sealed.size > 0) {
    flush(sealed);
  }
  const bool is_end = outcome != TlsSession::Opened::more;
  if (is_end) ::shutdown(fd(), SHUT_RD);
  // As in start(): the stream may be gone, or elsewhere, after its bytes were delivered.
  const uv_stream_t* handle = handle_.get();
  if (opened > 0) received(out.data(), static_cast<ssize_t>(opened));
  auto* stream = static_cast<Stream*>(handle->data);
  const bool hears = stream != nullptr && !stream->paused_ && !stream->ended_;
  if (is_end && hears) stream->received(nullptr, UV_EOF);
}

void Stream::secure(std::unique_ptr<TlsSession> session) {
  REMUDA_CHECK(handle_ && events_ == nullptr && (!pull_ || pull_->reader == nullptr));
  tls_ = std::move(session);
  loop().heap_trim().taken(TlsSession::kHeap);
  const std::string encrypted = take_unread();
  std::string& bytes = pull().bytes;
  std::string_view rest = encrypted;
  char buffer[TlsSession::kRecordSize];
  while (true) {
    SealedBytes sealed = sealed_bytes();
    size_t opened = 0;
    const TlsSession::Opened outcome =
        tls_->open(std::exchange(rest, {}), buffer, sizeof buffer, opened, sealed);
    if (sealed.size > 0) flush(sealed);
    bytes.append(buffer, opened);
    if (outcome != TlsSession::Opened::more) ::shutdown(fd(), SHUT_RD);
    if (outcome != TlsSession::Opened::more || opened < sizeof buffer) break;
  }
  if (pull_->unread() >= kReadAhead) stop_reading();
  read_on();
}

// ---- Writing

WriteResult Stream::flush(SealedBytes& sealed) noexcept {
  const uv_buf_t run = uv_buf_init(sealed.data, static_cast<unsigned>(sealed.size));
  sealed.size = 0;
  return write_clear(&run, 1);
}

// Every record costs a header, a tag and a pass through OpenSSL, so small runs are joined first.
WriteResult Stream::write_sealed(const uv_buf_t* runs, size_t count) noexcept {
  constexpr size_t kRecord = TlsSession::kSentSize;
  char* const joined = loop().tls_buffers().joined;
  size_t held = 0;
  SealedBytes sealed = sealed_bytes();
  const auto seal = [&](const char* data, size_t n) {
    if (!sealed.has_room() && flush(sealed) == WriteResult::broken) return false;
    return tls_->seal(data, n, sealed);
  };
  for (size_t i = 0; i < count; ++i) {
    const char* data = runs[i].base;
    size_t left = runs[i].len;
    while (left > 0) {
      const bool is_alone = held == 0 && (left >= kRecord || i + 1 == count);
      const size_t n = std::min(left, kRecord - held);
      if (!is_alone) std::memcpy(joined + held, data, n);
      if (!is_alone) held += n;
      const bool is_full = is_alone || held == kRecord;
      if (is_full && !seal(is_alone ? data : joined, is_alone ? n : held)) {
        broken_ = true;
        return WriteResult::broken;
      }
      if (is_full) held = 0;
      data += n;
      left -= n;
    }
  }
  if (held > 0 && !seal(joined, held)) {
    broken_ = true;
    return WriteResult::broken;
  }
  if (sealed.size > 0) return flush(sealed);
  return backlog_ ? WriteResult::backlog : WriteResult::done;
}

// The kernel takes it or does not: a connection that closes does not wait.
void Stream::say_goodbye() noexcept {
  if (!tls_ || broken_) return;
  SealedBytes sealed = sealed_bytes();
  tls_->finish(sealed);
  if (sealed.size == 0) return;
  const uv_buf_t run = uv_buf_init(sealed.data, static_cast<unsigned>(sealed.size));
  if (backlog_) {
    keep_rest(&run, 1, 0);
  } else {
    try_write(&run, 1);
  }
}

}  // namespace remuda::io
