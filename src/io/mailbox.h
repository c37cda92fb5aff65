// Messages to a loop from other threads: the one thing of a loop that any thread may use. A message
// is a callable run once on the loop. Those of one sender keep their order.
#pragma once

#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/bell.h"

namespace remuda::io {

class Loop;

class Mailbox {
 public:
  // An open mailbox keeps its loop running.
  explicit Mailbox(Loop& loop);
  ~Mailbox();

  // Any thread. Move-only callables are welcome; they must not throw. False once closed: the
  // callable is then destroyed without having run, here.
  template <class F>
  bool post(F&& callable) {
    return post_letter(std::make_unique<LetterOf<std::decay_t<F>>>(std::forward<F>(callable)));
  }

  // Loop thread. Letters not yet read are destroyed unread. Idempotent. The object itself must
  // outlive its senders.
  void close() noexcept;

 private:
  struct Letter {
    virtual ~Letter() = default;
    virtual void read() = 0;
  };
  template <class F>
  struct LetterOf final : Letter {
    template <class G>
    explicit LetterOf(G&& callable) : callable_(std::forward<G>(callable)) {}
    void read() override { callable_(); }
    F callable_;
  };
  using Letters = std::vector<std::unique_ptr<Letter>>;

  bool post_letter(std::unique_ptr<Letter> letter);
  void read_all();

  std::mutex mutex_;
  Letters letters_;   // guarded by mutex_
  bool open_ = true;  // guarded by mutex_
  Bell bell_;
};

}  // namespace remuda::io
