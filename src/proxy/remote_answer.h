// Asking another worker: a task waits on its own worker for what another thread will send. Who asks
// may leave before that, and who is asked may end without an answer: neither waits for the other.
//   RemoteAnswer<int> answer(worker);
//   other.post([reply = answer.reply()]() mutable { reply.send(7); });
//   const int seven = co_await answer.waiter.wait();
#pragma once

#include <memory>
#include <utility>

#include "io/waiter.h"
#include "proxy/worker.h"

namespace remuda::proxy {

// Brings one answer to the worker that asked. Dropped unsent, it brings T(). Any thread; travels.
template <class T>
class RemoteReply {
 public:
  RemoteReply(Worker& asker, std::shared_ptr<io::Waiter<T>*> waiter)
      : asker_(&asker), waiter_(std::move(waiter)) {}
  RemoteReply(RemoteReply&& other) noexcept
      : asker_(std::exchange(other.asker_, nullptr)), waiter_(std::move(other.waiter_)) {}
  RemoteReply& operator=(RemoteReply&&) = delete;
  ~RemoteReply() {
    if (asker_) send(T());
  }

  // Once.
  void send(T answer) {
    Worker* asker = std::exchange(asker_, nullptr);
    asker->post([waiter = std::move(waiter_), answer = std::move(answer)]() mutable {
      if (*waiter) (void)(*waiter)->set(std::move(answer));
    });
  }

 private:
  Worker* asker_;
  std::shared_ptr<io::Waiter<T>*> waiter_;
};

// The wait, in the frame of the task that asks.
template <class T>
class RemoteAnswer {
 public:
  explicit RemoteAnswer(Worker& asker)
      : waiter(asker.loop), asker_(asker), pointer_(std::make_shared<io::Waiter<T>*>(&waiter)) {}
  // The reply then finds nobody; the pointer is read and cleared on one thread.
  ~RemoteAnswer() { *pointer_ = nullptr; }
  RemoteAnswer(const RemoteAnswer&) = delete;
  RemoteAnswer& operator=(const RemoteAnswer&) = delete;

  RemoteReply<T> reply() const { return RemoteReply<T>(asker_, pointer_); }

  io::Waiter<T> waiter;

 private:
  Worker& asker_;
  const std::shared_ptr<io::Waiter<T>*> pointer_;
};

}  // namespace remuda::proxy
