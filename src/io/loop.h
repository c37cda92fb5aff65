// One event loop: what a worker, and the control thread, owns first and destroys last. All of it is
// for the thread that runs it; other threads speak to it through a Mailbox.
#pragma once

#include <uv.h>

#include <atomic>
#include <coroutine>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "io/block_pool.h"
#include "io/heap_trim.h"
#include "io/thread_pool.h"
#include "remuda/base/list.h"
#include "remuda/base/time.h"

namespace remuda::io {

// Something that outlives its owner for a moment, such as a stream flushing its last bytes. The
// loop keeps it; it ends itself by Loop::drop, or with the loop.
struct LeftoverTag;
class Leftover : public ListHook<LeftoverTag> {
 public:
  virtual ~Leftover() = default;
};

class Completions;

class Loop {
 public:
  static constexpr size_t kReadBuffer = 64 * 1024;
  // For a connection that has just filled that: what is large is cheaper in larger pieces.
  static constexpr size_t kBulkBuffer = 256 * 1024;

  // Throws SystemError. Makes the process ignore SIGPIPE. Without a pool it makes one of its own
  // when work is first offloaded.
  explicit Loop(std::shared_ptr<ThreadPool> pool = nullptr);
  // Everything built on the loop must be gone, except work that is still on the thread pool, which
  // is waited for. Aborts on a handle that was forgotten.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop() or until nothing is left to wait for. The calling thread becomes the loop's.
  void run();
  // Ends run() after the callbacks of this wake-up. Loop thread only.
  void stop() noexcept;

  uv_loop_t* raw() noexcept { return &uv_; }
  static Loop& of(const uv_loop_t* raw) noexcept { return *static_cast<Loop*>(raw->data); }

  // Monotonic time in microseconds: the clock is read at most once per wake-up.
  Micros now() noexcept { return now_ != 0 ? now_ : read_clock(); }

  // Lent to whichever stream is reading: its contents last until the callback returns.
  std::span<char> read_buffer() noexcept { return {read_buffer_.get(), kReadBuffer}; }
  std::span<char> read_buffer(const uv_handle_t* reader) noexcept {
    return {read_buffer_.get(), reader == bulk_reader_ ? kBulkBuffer : kReadBuffer};
  }
  void note_read(const uv_handle_t* reader, bool was_filled) noexcept {
    bulk_reader_ = was_filled ? reader : nullptr;
  }
  // For TLS: what arrives, records on their way out, and small pieces that shall be one record.
  // Each is lent to one call of one stream at a time. Made at first use.
  struct TlsBuffers {
    // With what OpenSSL holds of a record that began earlier, decrypted, no more than
    // read_buffer().
    char arriving[44 * 1024];
    char sealed[64 * 1024];
    char joined[16 * 1024];
  };
  TlsBuffers& tls_buffers();
  BlockPool& blocks() noexcept { return blocks_; }
  HeapTrim& heap_trim() noexcept { return heap_trim_; }

  // Aborts on a thread that is not the loop's.
  void assert_thread() const noexcept;

  // Resumes a suspended coroutine from a clean stack, in this wake-up: after the callbacks now
  // running, before the loop next sleeps. In the order asked for.
  void resume_later(std::coroutine_handle<> handle) noexcept;

  // For offload.h.
  ThreadPool& pool();
  Completions& completions();

  void keep(std::unique_ptr<Leftover> leftover) noexcept;
  void drop(Leftover& leftover) noexcept;

 private:
  Micros read_clock() noexcept;
  void take_thread() noexcept;
  void start_phases() noexcept;
  void resume_ready() noexcept;
  void before_sleep() noexcept;
  void close_own_handles() noexcept;

  uv_loop_t uv_{};
  uv_prepare_t before_sleep_{};
  uv_check_t after_poll_{};
  uv_idle_t no_sleep_{};  // active while coroutines are left over for the next turn
  Micros now_ = 0;        // 0: to be read
  std::atomic<std::thread::id> thread_;
  HeapTrim heap_trim_{*this};
  BlockPool blocks_{&heap_trim_};
  std::unique_ptr<char[]> read_buffer_;
  const uv_handle_t* bulk_reader_ = nullptr;  // compared only: it may be gone
  std::unique_ptr<TlsBuffers> tls_buffers_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> resuming_;
  List<Leftover, LeftoverTag> leftovers_;
  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<Completions> completions_;  // once work was offloaded
};

}  // namespace remuda::io
