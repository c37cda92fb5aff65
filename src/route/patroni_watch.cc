#include "route/patroni_watch.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "io/timer.h"
#include "io/waiter.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::route {
namespace {

constexpr Micros kShortestRest = kSecond / 10;

// One answer, or why there is none.
struct Look {
  std::optional<ClusterView> view;
  std::string reason;
};

Look look(PatroniClient& client) {
  Look found;
  try {
    found.view = client.fetch();
  } catch (const std::exception& error) {
    found.reason = error.what();
  }
  return found;
}

// How far members are behind differs each time, and is better asked of themselves.
bool is_same(const ClusterMember& a, const ClusterMember& b) {
  const auto all = [](const ClusterMember& member) {
    return std::tie(member.name, member.host, member.port, member.role, member.running,
                    member.noloadbalance, member.nofailover);
  };
  return all(a) == all(b);
}

bool is_same(const std::optional<ClusterView>& a, const std::optional<ClusterView>& b) {
  if (!a || !b) return !a && !b;
  return a->paused == b->paused &&
         std::equal(a->members.begin(), a->members.end(), b->members.begin(), b->members.end(),
                    [](const auto& x, const auto& y) { return is_same(x, y); });
}

}  // namespace

// What the task and the watch share: the task may end later than the watch.
class PatroniWatch::Round final : public io::Interruptible {
 public:
  Round(io::Loop& loop, PatroniOptions options, Micros interval, Told told)
      : loop_(loop),
        url_(options.urls.empty() ? "" : options.urls.front()),
        client_(std::move(options)),
        interval_(std::max(interval, kShortestRest)),
        told_(std::move(told)) {}

  bool is_ended() const noexcept { return ended_; }

  void end() noexcept {
    ended_ = true;
    client_.interrupt();
    if (rest_ != nullptr) rest_->set();
  }
  void interrupt(std::exception_ptr) noexcept override { end(); }

  void ask_soon() noexcept {
    is_asked_ = true;
    if (rest_ != nullptr && is_rest_cut_short_) rest_->set();
  }

  void ask_elsewhere() noexcept {
    client_.distrust();
    ask_soon();
  }

  io::Task<void> ask(io::OffloadLimit& limit) {
    is_asked_ = false;
    Look found;
    auto work = [this] { return look(client_); };
    try {
      Look looked = co_await io::offload(loop_, work, &limit);
      found = std::move(looked);
    } catch (const std::system_error& error) {
      found.reason = error.what();  // no thread
    }
    if (!ended_) tell(found);
  }

  // However often it is asked for, Patroni gets few requests.
  io::Task<void> rest() {
    co_await rest_for(kShortestRest);
    if (is_asked_ || ended_) co_return;
    is_rest_cut_short_ = true;
    co_await rest_for(interval_ - kShortestRest);
    is_rest_cut_short_ = false;
  }

 private:
  io::Task<void> rest_for(Micros time) {
    io::Waiter<void> waiter(loop_);
    io::Timer timer(loop_);
    timer.start(time, [&waiter] { waiter.set(); });
    rest_ = &waiter;
    if (ended_) waiter.set();
    co_await waiter.wait();
    rest_ = nullptr;
  }

  void tell(const Look& found) {
    const bool is_first = std::exchange(has_told_, true) == false;
    const bool was_reached = is_first || last_.has_value();
    if (!found.view && was_reached) {
      log::warning("Patroni does not answer, so PostgreSQL alone is asked: {}", found.reason);
    } else if (found.view && !was_reached) {
      log::info("Patroni answers again: {}", url_);
    }
    if (!is_first && is_same(last_, found.view)) return;
    last_ = found.view;
    // A copy, as it may end this round.
    const std::optional<ClusterView> view = found.view;
    told_(view);
  }

  io::Loop& loop_;
  const std::string url_;  // stands for the cluster in the log
  PatroniClient client_;
  const Micros interval_;
  const Told told_;
  io::Waiter<void>* rest_ = nullptr;
  bool is_rest_cut_short_ = false;  // by ask_soon()
  bool is_asked_ = false;
  bool ended_ = false;
  bool has_told_ = false;
  std::optional<ClusterView> last_;
};

PatroniWatch::PatroniWatch(io::Loop& loop, io::TaskScope& scope, io::OffloadLimit& limit,
                           PatroniOptions options, Micros interval, Told told)
    : round_(std::make_shared<Round>(loop, std::move(options), interval, std::move(told))) {
  scope.spawn(run(scope, limit, round_));
}

PatroniWatch::~PatroniWatch() {
  round_->end();
}

void PatroniWatch::ask_soon() noexcept {
  round_->ask_soon();
}

void PatroniWatch::ask_elsewhere() noexcept {
  round_->ask_elsewhere();
}

io::Task<void> PatroniWatch::run(io::TaskScope& scope, io::OffloadLimit& limit,
                                 std::shared_ptr<Round> round) {
  const io::CloseLink link(scope, *round);
  while (!round->is_ended()) {
    co_await round->ask(limit);
    if (round->is_ended()) co_return;
    co_await round->rest();
  }
}

}  // namespace remuda::route
