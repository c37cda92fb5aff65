#include "model/login_flow.h"

#include <algorithm>

namespace remuda::bench::model {
namespace {

enum : uint32_t { kCome, kStep };

}  // namespace

LoginFlow::LoginFlow(Agenda& agenda, LoginPort& port, const Setup& setup, const Costs& costs)
    : agenda_(agenda),
      port_(port),
      setup_(setup),
      costs_(costs),
      random_(setup.seed ^ 0x6c6f67696e),
      in_progress_(static_cast<size_t>(setup.workers)) {}

void LoginFlow::start() {
  if (setup_.logins > 0) agenda_.after(random_.exponential(1e6 / setup_.logins), *this, kCome);
}

void LoginFlow::on_time(uint32_t what, uint32_t which) {
  if (what == kStep) return step(which);
  come();
  start();
}

void LoginFlow::come() {
  const auto least = std::min_element(in_progress_.begin(), in_progress_.end());
  ++*least;
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(logins_.size()));
    logins_.emplace_back();
  }
  const uint32_t login = free_.back();
  free_.pop_back();
  const auto worker = static_cast<uint32_t>(least - in_progress_.begin());
  logins_[login] = {agenda_.now(), worker, step_count(), setup_.login != Login::tls};
  step(login);
}

// Times that the worker is woken for a login.
int LoginFlow::step_count() const noexcept {
  return setup_.login == Login::trust ? 3 : setup_.login == Login::scram ? 5 : 7;
}

void LoginFlow::step(uint32_t login) {
  const double cost = setup_.login == Login::trust   ? costs_.login_trust
                      : setup_.login == Login::scram ? costs_.login_scram
                                                     : costs_.login_tls;
  port_.login_step(logins_[login].worker, login, cost / step_count());
}

void LoginFlow::stepped(uint32_t login) {
  Progress& progress = logins_[login];
  if (--progress.steps_left > 0) {
    // The client's hello has come with the second step.
    if (!progress.shook_hands && progress.steps_left == step_count() - 2) {
      progress.shook_hands = true;
      ++progress.steps_left;
      return port_.login_handshake(login, costs_.handshake);
    }
    return agenda_.after(setup_.client_rtt, *this, kStep, login);
  }
  timing_.record(agenda_.now() - progress.begun);
  --in_progress_[progress.worker];
  free_.push_back(login);
}

}  // namespace remuda::bench::model
