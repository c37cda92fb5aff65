// One connected TCP or unix-domain socket, in plain text or, once secure() was called, behind TLS:
// what is read and written here is always plain text.
//
// A stream is first *pulled*: a task awaits read_some(). Then start() makes it *pushed*: bytes come
// to a StreamEvents. Bytes are never lost in between: see start() and take_unread().
// Idle it costs its uv handle and 56 bytes (with TLS, OpenSSL's state on top): no buffer, no timer.
//
// Owned by value by a Client, a Server or a task, and used on its loop's thread only. It may be
// moved while nobody awaits it, and closed or destroyed at any moment, also inside its own
// callbacks.
#pragma once

#include <uv.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/address.h"
#include "io/interruptible.h"
#include "io/parcel.h"
#include "io/stream_read.h"
#include "io/task.h"
#include "io/tls_session.h"
#include "remuda/base/time.h"

namespace remuda::io {

class Loop;

enum class WriteResult : uint8_t {
  done,     // the kernel has it all
  backlog,  // some is kept and sent later; on_drained tells when that is done
  broken,   // the connection cannot be written to; bytes already received may still come
};

// Who gets a pushed stream's events. Each may destroy the stream.
class StreamEvents {
 public:
  // The bytes lie in the loop's read buffer: valid, and free to be changed, until this returns.
  virtual void on_bytes(char* data, size_t n) noexcept = 0;
  // 0: the peer ended the stream; otherwise an errno value. Once, and nothing comes after it.
  virtual void on_end(int error) noexcept = 0;
  // The backlog is gone.
  virtual void on_drained() noexcept = 0;

 protected:
  ~StreamEvents() = default;
};

class Stream final : public Interruptible {
 public:
  // A closed stream.
  Stream() noexcept;
  // Nobody may be awaiting it.
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  // Takes over a connected socket; TCP gets TCP_NODELAY. Throws SystemError, having closed it.
  static Stream adopt(Loop& loop, FileDescriptor fd);
  static Stream adopt(Loop& loop, Parcel parcel);

  // Pull. `size_t n = co_await stream.read_some(buffer, size)`: at least one byte. Throws Closed at
  // the end or on an error, or what interrupt() was given. One reader at a time. Between reads the
  // stream reads on, up to kReadAhead bytes.
  static constexpr size_t kReadAhead = 16 * 1024;
  [[nodiscard]] StreamRead read_some(char* buffer, size_t size) noexcept;
  // Pull: the peer has ended the stream and all it sent has been pulled.
  bool has_ended() const noexcept;
  // Pull: the bytes received but not pulled; they count as pulled.
  std::string take_unread();
  // Pull: bytes that were pulled too many come first again. Nobody may be awaiting.
  void put_back(std::string bytes);
  // Pull: the pending read or wait for draining, or else the next read, throws `why`.
  void interrupt(std::exception_ptr why) noexcept override;

  // Pull: from now on everything is encrypted, by a session whose handshake is done. Nobody may be
  // awaiting. Bytes not yet pulled count as encrypted.
  void secure(std::unique_ptr<TlsSession> session);
  // Null: plain text.
  const TlsSession* tls() const noexcept { return tls_.get(); }

  // Push, from now on. Nobody may be awaiting. Bytes not pulled, and an end already seen, are
  // delivered before this returns: the stream may then be gone.
  void start(StreamEvents& events) noexcept;
  // Pull again, from now on, until the next start(). Not inside a callback of this stream's.
  void stop_pushing() noexcept;
  // Push: other events for the same stream.
  void set_events(StreamEvents& events) noexcept { events_ = &events; }
  // Push: no on_bytes and no on_end of the peer's until resumed. Cheap: no system call unless bytes
  // arrive meanwhile.
  void pause_reading() noexcept;
  void resume_reading() noexcept;
  bool is_paused() const noexcept { return paused_; }

  // Sends in order: at once what the kernel takes, the rest copied and sent later.
  WriteResult write(const uv_buf_t* runs, size_t count) noexcept;
  WriteResult write(std::string_view bytes) noexcept;
  // Bytes not yet taken by the kernel.
  size_t backlog() const noexcept;
  // Completes when there is no backlog. Throws Closed when it cannot be sent. One caller at a time.
  Task<void> drained();

  // Drops the backlog; no event comes after it; who awaits gets Closed. Idempotent.
  void close() noexcept;
  // Closes for the owner, as close() does; the backlog is still sent, within kFlushTime.
  static constexpr Micros kFlushTime = 5 * kSecond;
  void flush_and_close() noexcept;
  bool is_open() const noexcept { return handle_ != nullptr; }

  // Takes the connection off its loop, closing this stream. Legal while there is no backlog and
  // nobody awaits. Throws SystemError when there is no descriptor below `highest_fd`, and then
  // changes nothing.
  Parcel detach(int highest_fd = INT_MAX) &&;

  // Open streams only. Asks the kernel each time: nothing is kept.
  int fd() const noexcept;
  bool is_unix() const noexcept;
  PeerAddress peer() const { return peer_of(fd()); }
  Address local() const { return local_of(fd()); }
  Loop& loop() const noexcept;

 private:
  friend class StreamRead;
  struct HandleClose {
    void operator()(uv_stream_t* handle) const noexcept;
  };
  struct Pull;
  struct PullDelete {
    void operator()(Pull* pull) const noexcept;
  };
  struct Backlog;
  struct BacklogDelete {
    void operator()(Backlog* backlog) const noexcept;
  };
  class Flusher;

  using Handle = std::unique_ptr<uv_stream_t, HandleClose>;
  static Handle open_handle(Loop& loop, int fd, bool is_unix);
  static void on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) noexcept;
  static void on_read(uv_stream_t* handle, ssize_t n, const uv_buf_t* buffer) noexcept;
  static void on_written(uv_write_t* request, int status) noexcept;

  Pull& pull();
  void read_on() noexcept;
  void stop_reading() noexcept;
  std::exception_ptr end_error() const;
  void received(char* data, ssize_t n);
  void decrypt(const char* data, size_t n);
  void pulled(const char* data, ssize_t n);
  void pushed(char* data, ssize_t n) noexcept;
  ssize_t try_write(const uv_buf_t* runs, size_t count) noexcept;
  WriteResult write_clear(const uv_buf_t* runs, size_t count) noexcept;
  WriteResult write_sealed(const uv_buf_t* runs, size_t count) noexcept;
  SealedBytes sealed_bytes() const noexcept;
  WriteResult flush(SealedBytes& sealed) noexcept;
  void say_goodbye() noexcept;
  WriteResult keep_rest(const uv_buf_t* runs, size_t count, size_t sent) noexcept;
  bool send_backlog() noexcept;
  void sent(int status) noexcept;
  void fail_writes(int error) noexcept;
  void let_go() noexcept;

  Handle handle_;
  StreamEvents* events_ = nullptr;                   // push
  std::unique_ptr<Pull, PullDelete> pull_;           // pull, once it has been read
  std::unique_ptr<Backlog, BacklogDelete> backlog_;  // while there is one
  std::unique_ptr<TlsSession> tls_;
  bool reading_ = false;
  bool paused_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

static_assert(sizeof(Stream) <= 80, "an idle stream must stay small");

}  // namespace remuda::io
