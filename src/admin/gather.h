// gather: runs a function on every worker and brings the results back to the control loop, in
// worker order. How the console reads what only a worker's thread may touch. Control thread.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "admin/control.h"
#include "io/waiter.h"
#include "proxy/worker.h"
#include "remuda/base/error.h"

namespace remuda::admin {

// The answers so far. Held by the asking task and by every question under way; touched on the
// control loop only.
template <class R>
struct Gathering {
  io::Waiter<void>* waiter = nullptr;  // null once the asking task has gone
  std::vector<std::optional<R>> answers;
  size_t missing = 0;

  void take(size_t index, std::optional<R> answer) {
    answers[index] = std::move(answer);
    if (--missing == 0 && waiter) waiter->set();
  }
};

// A question on its way to one worker. Its end reports, answered or not: a letter that is never
// read is destroyed, so nobody waits for a worker that has stopped.
template <class F, class R>
class Question {
 public:
  Question(Control& control, proxy::Worker& worker, const F& f,
           std::shared_ptr<Gathering<R>> gathering, size_t index)
      : control_(&control),
        worker_(&worker),
        f_(f),
        gathering_(std::move(gathering)),
        index_(index) {}
  Question(Question&& other) = default;  // leaves `gathering_` null
  ~Question() {
    if (!gathering_) return;
    control_->mailbox().post(
        [gathering = std::move(gathering_), index = index_, answer = std::move(answer_)]() mutable {
          gathering->take(index, std::move(answer));
        });
  }
  void operator()() { answer_.emplace(f_(*worker_)); }

 private:
  Control* control_;
  proxy::Worker* worker_;
  F f_;
  std::shared_ptr<Gathering<R>> gathering_;
  size_t index_;
  std::optional<R> answer_;
};

template <class F>
using Gathered = std::invoke_result_t<F&, proxy::Worker&>;

// `f` is copied to every worker and must not throw. Throws Closed when a worker has stopped, or
// when the control loop's tasks are closed.
template <class F>
io::Task<std::vector<Gathered<F>>> gather(Control& control, F f) {
  using R = Gathered<F>;
  const std::vector<proxy::Worker*>& workers = control.shared().workers;
  io::Waiter<void> waiter(control.loop());
  const auto gathering = std::make_shared<Gathering<R>>();
  struct Leave {
    Gathering<R>& gathering;
    ~Leave() { gathering.waiter = nullptr; }
  };
  const Leave leave{*gathering};
  const io::CloseLink link(control.tasks(), waiter);
  gathering->answers.resize(workers.size());
  gathering->missing = workers.size();
  gathering->waiter = &waiter;
  for (size_t i = 0; i < workers.size(); ++i) {
    workers[i]->post(Question<F, R>(control, *workers[i], f, gathering, i));
  }
  if (workers.empty()) waiter.set();
  co_await waiter.wait();
  std::vector<R> results;
  for (std::optional<R>& answer : gathering->answers) {
    if (!answer) throw Closed("a worker has stopped");
    results.push_back(std::move(*answer));
  }
  co_return results;
}

}  // namespace remuda::admin
