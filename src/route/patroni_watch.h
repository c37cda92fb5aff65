// Follows one Patroni cluster: a task that asks at an interval, and tells what has changed. Owned
// by whoever wants to know; the loop's thread. The requests themselves run on the thread pool.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "io/offload.h"
#include "io/task.h"
#include "io/task_scope.h"
#include "remuda/base/time.h"
#include "route/cluster_member.h"
#include "route/patroni_client.h"

namespace remuda::route {

class PatroniWatch {
 public:
  // Nothing: Patroni cannot be reached, so what it has said before may be wrong by now. Must not
  // throw; may destroy the watch.
  using Told = std::function<void(const std::optional<ClusterView>&)>;

  // Asks at once, then every `interval` (at least 0.1 s). Tells the first result, and each that
  // differs from the one before in more than lag and timelines. `limit` keeps slow clusters from
  // filling the pool; both it and the scope outlive the task, which ends, a second after the watch
  // at the latest, when this dies or the scope closes.
  PatroniWatch(io::Loop& loop, io::TaskScope& scope, io::OffloadLimit& limit,
               PatroniOptions options, Micros interval, Told told);
  // Nothing is told any more.
  ~PatroniWatch();
  PatroniWatch(const PatroniWatch&) = delete;
  PatroniWatch& operator=(const PatroniWatch&) = delete;

  // Asks again without waiting for the interval to pass: something seems to have happened.
  void ask_soon() noexcept;
  // The same, but of another URL: what was told cannot be, such as a primary that is none.
  void ask_elsewhere() noexcept;

 private:
  class Round;
  static io::Task<void> run(io::TaskScope& scope, io::OffloadLimit& limit,
                            std::shared_ptr<Round> round);

  const std::shared_ptr<Round> round_;
};

}  // namespace remuda::route
