// The process: control loop, listeners, workers, the current configuration. Lives on the main
// thread; workers have their own and are told everything by messages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admin/console.h"
#include "admin/control.h"
#include "daemon/arguments.h"
#include "daemon/listeners.h"
#include "daemon/notify.h"
#include "daemon/pidfile.h"
#include "daemon/stats_line.h"
#include "io/loop.h"
#include "io/mailbox.h"
#include "io/signals.h"
#include "io/task_scope.h"
#include "io/timer.h"
#include "proxy/host_watch.h"
#include "proxy/shared.h"
#include "proxy/worker.h"

namespace remuda::daemon {

// How many threads the configuration asks for.
size_t worker_count(const config::Config& config);

class Daemon final : public admin::Control {
 public:
  Daemon(const Arguments& arguments, proxy::Snapshot snapshot);
  ~Daemon() override;

  // Opens sockets, starts workers, serves until stopped. Returns the exit code.
  int run();

  proxy::Shared& shared() override { return shared_; }
  io::Loop& loop() override { return loop_; }
  io::Mailbox& mailbox() override { return mailbox_; }
  io::TaskScope& tasks() override { return tasks_; }
  const proxy::Snapshot& snapshot() const override { return snapshot_; }
  io::Task<bool> reload() override;
  bool set(const std::string& key, const std::string& value, std::string& notice) override;
  void shut_down(proxy::Shutdown how) override;
  void set_suspended(bool on) override;

 private:
  void accepted(io::FileDescriptor fd);
  io::Loop& accepting_loop() noexcept;
  template <class F>
  void tell_listeners(F f);
  void make_workers();
  void start_workers();
  void watch_signals();
  void on_interrupt(proxy::Shutdown how, const char* name, const char* text);
  void on_pause_signal();
  void on_resume_signal();
  void adopt(proxy::Snapshot snapshot);
  io::Task<void> reload_by_signal();
  io::Task<void> wait_for_end(proxy::Shutdown how);
  io::Task<bool> is_over(proxy::Shutdown how);
  void stop();

  const Arguments arguments_;
  proxy::Snapshot snapshot_;
  io::Loop loop_;
  io::Mailbox mailbox_{loop_};
  proxy::Shared shared_;
  io::TaskScope tasks_{loop_, "control"};
  admin::Consoles consoles_{*this};
  proxy::HostWatch host_watch_{loop_, tasks_, mailbox_, shared_};
  StatsLine stats_line_{*this};
  Watchdog watchdog_{*this};
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::unique_ptr<Listeners> listeners_;  // on accepting_loop()
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<io::SignalWatcher>> signals_;
  int exit_code_ = 0;
  bool stopping_ = false;
};

}  // namespace remuda::daemon
