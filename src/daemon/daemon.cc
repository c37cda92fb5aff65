#include "daemon/daemon.h"

#include <signal.h>
#include <uv.h>

#include <cstdlib>

#include "admin/commands.h"
#include "admin/gather.h"
#include "config/load.h"
#include "config/settings.h"
#include "daemon/log_options.h"
#include "daemon/snapshot.h"
#include "io/deadline.h"
#include "proxy/placement.h"
#include "proxy/version.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

constexpr Micros kEndCheckPeriod = 50 * kMillisecond;

void configure_log(const config::Config& config, const Arguments& arguments) {
  try {
    log::configure(log_options(config, arguments));
  } catch (const SystemError& error) {
    log::error("{}; keeping the old log", error.what());
  }
}

}  // namespace

size_t worker_count(const config::Config& config) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const size_t wanted = config.workers > 0 ? static_cast<size_t>(config.workers) : cores;
  return std::min<size_t>(wanted, proxy::Ledgers::kMostWorkers);
}

Daemon::Daemon(const Arguments& arguments, proxy::Snapshot snapshot)
    : arguments_(arguments), snapshot_(std::move(snapshot)) {
  shared_.ledgers.adopt(snapshot_.config);
  shared_.admit_console = [this](proxy::Admission admission) {
    mailbox_.post([this, admission = std::move(admission)]() mutable {
      consoles_.admit(std::move(admission));
    });
  };
  shared_.cancel_console = [this](proxy::CancelKey key) {
    mailbox_.post([this, key] { consoles_.cancel(key); });
  };
}

Daemon::~Daemon() = default;

int Daemon::run() {
  const config::Config& config = *snapshot_.config;
  // What can fail comes before the first thread. Connections and signals wait in the kernel until
  // the loop runs.
  watch_signals();
  make_workers();
  listeners_ =
      std::make_unique<Listeners>(accepting_loop(), config, shared_.highest_client_fd,
                                  [this](io::FileDescriptor fd) { accepted(std::move(fd)); });
  const PidFile pidfile(config.pidfile);
  start_workers();
  host_watch_.adopt(snapshot_);
  stats_line_.start();
  log::info("process up: PgBouncer {}, remuda {}, libuv {}, workers: {}", proxy::kPgBouncerVersion,
            proxy::kRemudaVersion, uv_version_string(), workers_.size());
  notify("READY=1");
  watchdog_.start();
  loop_.run();
  for (std::thread& thread : threads_) thread.join();
  return exit_code_;
}

void Daemon::make_workers() {
  const size_t count = worker_count(*snapshot_.config);
  constexpr size_t kPerWorker = proxy::Worker::kCryptoThreads +
                                proxy::Worker::kServerCryptoThreads +
                                proxy::Worker::kRefusalThreads + proxy::Worker::kDirectoryThreads;
  shared_.pool = std::make_shared<io::ThreadPool>(count * kPerWorker);
  shared_.ledgers.set_workers(count);
  shared_.highest_client_fd = io::highest_client_descriptor();
  for (size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<proxy::Worker>(shared_, static_cast<int>(i), snapshot_));
    shared_.workers.push_back(workers_.back().get());
  }
}

void Daemon::start_workers() {
  for (auto& worker : workers_) {
    threads_.emplace_back([&worker = *worker] { worker.run(); });
  }
}

// ---- Listening

// A single worker accepts for itself: that spares each login a change of threads.
io::Loop& Daemon::accepting_loop() noexcept {
  return workers_.size() == 1 ? workers_.front()->loop : loop_;
}

void Daemon::accepted(io::FileDescriptor fd) {
  if (workers_.size() == 1) return workers_.front()->accept(std::move(fd));
  proxy::Worker& worker = proxy::least_busy(shared_);
  worker.post([&worker, fd = std::move(fd)]() mutable { worker.accept(std::move(fd)); });
}

// A listener lives and ends on its loop's thread.
template <class F>
void Daemon::tell_listeners(F f) {
  if (workers_.size() > 1) return f(*listeners_);
  workers_.front()->post([this, f] { f(*listeners_); });
}

// ---- Configuration

void Daemon::adopt(proxy::Snapshot snapshot) {
  snapshot_ = std::move(snapshot);
  shared_.ledgers.adopt(snapshot_.config);
  host_watch_.adopt(snapshot_);
  stats_line_.start();
  tell_listeners([config = snapshot_.config](Listeners& all) { all.adopt(*config); });
}

io::Task<bool> Daemon::reload() {
  auto loaded = config::reload(*snapshot_.config, snapshot_.users);
  for (const std::string& line : loaded.messages) log::warning("{}", line);
  if (!loaded.config) {
    for (const config::Fault& fault : loaded.faults) log::error("{}", fault.text());
    log::error("configuration was not changed");
    co_return false;
  }
  proxy::Snapshot fresh;
  try {
    fresh = make_snapshot(loaded);
  } catch (const PgError& error) {
    log::error("{}", error.what());
    const bool is_tls = std::string_view(error.what()).starts_with("TLS");
    log::error("{} could not be reloaded, keeping old configuration",
               is_tls ? "TLS configuration" : "access rules");
    co_return false;
  }
  configure_log(*fresh.config, arguments_);
  adopt(fresh);
  auto apply = [fresh](proxy::Worker& worker) {
    worker.adopt(fresh);
    return true;
  };
  co_await admin::gather(*this, apply);
  co_return true;
}

io::Task<void> Daemon::reload_by_signal() {
  notify_reloading();
  co_await reload();
  notify("READY=1");
}

bool Daemon::set(const std::string& key, const std::string& value, std::string& notice) {
  auto changed = std::make_shared<config::Config>(*snapshot_.config);
  if (!config::set_value(*changed, key, value)) return false;
  const proxy::Snapshot fresh = changed_snapshot(snapshot_, std::move(changed), notice);
  configure_log(*fresh.config, arguments_);
  adopt(fresh);
  for (proxy::Worker* worker : shared_.workers) {
    worker->post([worker, fresh] { worker->adopt(fresh); });
  }
  return true;
}

// ---- Signals and the end

void Daemon::watch_signals() {
  const auto watch = [this](int signal, std::function<void()> callback) {
    signals_.push_back(std::make_unique<io::SignalWatcher>(loop_, signal, std::move(callback)));
  };
  watch(SIGHUP, [this] {
    log::info("got SIGHUP, re-reading config");
    tasks_.spawn(reload_by_signal());
  });
  watch(SIGINT, [this] {
    on_interrupt(proxy::Shutdown::wait_for_servers, "SIGINT",
                 "got SIGINT, shutting down, waiting for all servers connections to be released");
  });
  watch(SIGTERM, [this] {
    on_interrupt(proxy::Shutdown::wait_for_clients, "SIGTERM",
                 "got SIGTERM, shutting down, waiting for all clients disconnect");
  });
  watch(SIGQUIT, [this] {
    log::info("got SIGQUIT, fast exit");
    notify("STOPPING=1");
    stop();
  });
  watch(SIGUSR1, [this] { on_pause_signal(); });
  watch(SIGUSR2, [this] { on_resume_signal(); });
}

void Daemon::on_interrupt(proxy::Shutdown how, const char* name, const char* text) {
  if (shared_.shutdown != proxy::Shutdown::none) {
    log::info("got {} while shutting down, fast exit", name);
    return stop();
  }
  log::info("{}", text);
  if (shared_.suspended) {
    log::fatal("suspend was in progress, going down immediately");
    exit_code_ = 1;
    notify("STOPPING=1");
    return stop();
  }
  shut_down(how);
}

void Daemon::on_pause_signal() {
  if (shared_.suspended || shared_.ledgers.paused().exchange(true)) {
    log::info("got SIGUSR1, but already paused/suspended");
    return;
  }
  log::info("got SIGUSR1, pausing all activity");
  tasks_.spawn(admin::close_idle(*this, ""));
}

void Daemon::on_resume_signal() {
  if (shared_.shutdown != proxy::Shutdown::none) {
    log::info("got SIGUSR2 while shutting down, ignoring");
  } else if (!shared_.suspended && !shared_.ledgers.paused()) {
    log::info("got SIGUSR2, but not paused/suspended");
  } else {
    log::info("got SIGUSR2, continuing from {}", shared_.suspended ? "SUSPEND" : "PAUSE");
    admin::resume_all(*this);
  }
}

void Daemon::set_suspended(bool on) {
  if (shared_.suspended.exchange(on) == on) return;
  if (on) return tell_listeners([](Listeners& all) { all.pause(); });
  tell_listeners([](Listeners& all) { all.resume(); });
  for (proxy::Worker* worker : shared_.workers) {
    worker->post([worker] { worker->resume_suspended(); });
  }
}

void Daemon::shut_down(proxy::Shutdown how) {
  notify("STOPPING=1");
  if (how == proxy::Shutdown::none) return stop();
  set_suspended(false);
  shared_.shutdown = how;
  tell_listeners([](Listeners& all) { all.close_tcp(); });
  if (how == proxy::Shutdown::wait_for_servers) {
    shared_.ledgers.paused() = true;
    tasks_.spawn(admin::close_idle(*this, ""));
    for (proxy::Worker* worker : shared_.workers) {
      worker->post([worker] { worker->refuse_waiting("server shutting down"); });
    }
  }
  if (how == proxy::Shutdown::wait_for_transactions) {
    for (proxy::Worker* worker : shared_.workers) {
      worker->post([worker] { worker->end_clients(); });
    }
  }
  tasks_.spawn(wait_for_end(how));
}

io::Task<bool> Daemon::is_over(proxy::Shutdown how) {
  const bool for_servers = how == proxy::Shutdown::wait_for_servers;
  auto is_free = [for_servers](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      // Counted in the ledger, as some are on their way between workers.
      const proxy::Ledger& ledger = *pool->ledger;
      if (!for_servers && ledger.client_count() > 0) return false;
      if (for_servers && ledger.servers.used() > 0) return false;
    }
    return for_servers || worker.logins() == 0;
  };
  const auto answers = co_await admin::gather(*this, is_free);
  bool over = how != proxy::Shutdown::wait_for_clients || consoles_.size() == 0;
  for (const bool free : answers) over = over && free;
  co_return over;
}

io::Task<void> Daemon::wait_for_end(proxy::Shutdown how) {
  while (true) {
    const bool over = co_await is_over(how);
    if (over) break;
    co_await io::sleep_for(loop_, kEndCheckPeriod, &tasks_);
  }
  log::info("{} connections dropped, exiting",
            how == proxy::Shutdown::wait_for_servers ? "server" : "client");
  stop();
}

void Daemon::stop() {
  if (stopping_) return;
  stopping_ = true;
  tell_listeners([](Listeners& all) { all.close(); });
  stats_line_.stop();
  watchdog_.stop();
  host_watch_.close();
  for (proxy::Worker* worker : shared_.workers) {
    worker->post([worker] { worker->stop(); });
  }
  tasks_.close();
  tasks_.when_empty([this] {
    signals_.clear();
    mailbox_.close();
    loop_.stop();
  });
}

}  // namespace remuda::daemon
