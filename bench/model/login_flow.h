// Logins that come at a rate, each on the worker with the fewest in progress: some steps there,
// with the network between them, and for TLS a handshake on other threads. They leave again; the
// running clients are not theirs. Microseconds.
#pragma once

#include <cstdint>
#include <vector>

#include "model/agenda.h"
#include "model/costs.h"
#include "model/setup.h"
#include "model/tally.h"

namespace remuda::bench::model {

class LoginPort {
 public:
  // LoginFlow::stepped(login) when done.
  virtual void login_step(uint32_t worker, uint32_t login, double cost) = 0;
  virtual void login_handshake(uint32_t login, double cost) = 0;

 protected:
  ~LoginPort() = default;
};

class LoginFlow final : Actor {
 public:
  LoginFlow(Agenda& agenda, LoginPort& port, const Setup& setup, const Costs& costs);

  void start();
  void stepped(uint32_t login);
  const Timing& timing() const noexcept { return timing_; }
  void forget() noexcept { timing_ = Timing(); }

 private:
  struct Progress {
    double begun;
    uint32_t worker;
    int steps_left;
    bool shook_hands;
  };

  void on_time(uint32_t what, uint32_t which) override;
  void come();
  void step(uint32_t login);
  int step_count() const noexcept;

  Agenda& agenda_;
  LoginPort& port_;
  const Setup& setup_;
  const Costs& costs_;
  Random random_;
  std::vector<int> in_progress_;  // per worker
  std::vector<Progress> logins_;
  std::vector<uint32_t> free_;
  Timing timing_;
};

}  // namespace remuda::bench::model
