#include "daemon/daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <uv.h>

#include <cstdlib>

#include "admin/gather.h"
#include "config/load.h"
#include "config/settings.h"
#include "daemon/listen_addresses.h"
#include "daemon/log_options.h"
#include "daemon/snapshot.h"
#include "io/deadline.h"
#include "proxy/placement.h"
#include "proxy/refusal.h"
#include "proxy/version.h"
#include "remuda/base/log.h"
#include "remuda/wire/builder.h"
#include "remuda/wire/sqlstate.h"

namespace remuda::daemon {
namespace {

constexpr Micros kEndCheckPeriod = 50 * kMillisecond;

io::ListenOptions listen_options(const config::Config& config, int highest_client_fd) {
  io::ListenOptions options;
  options.backlog = config.listen_backlog;
  options.reuse_port = config.so_reuseport;
  options.defer_accept = config.tcp_defer_accept;
  options.unix_mode = static_cast<mode_t>(config.unix_socket_mode);
  options.unix_group = config.unix_socket_group;
  wire::error_response(options.refusal, "FATAL", wire::sqlstate::kTooManyConnections,
                       proxy::kNoDescriptors);
  options.highest_fd = highest_client_fd;
  return options;
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

void Daemon::run() {
  const config::Config& config = *snapshot_.config;
  // What can fail comes before the first thread. Connections wait in the kernel until the loop
  // runs.
  make_workers();
  open_listeners();
  const PidFile pidfile(config.pidfile);
  start_workers();
  watch_signals();
  stats_line_.start();
  log::info("process up: PgBouncer {}, remuda {}, libuv {}, workers: {}", proxy::kPgBouncerVersion,
            proxy::kRemudaVersion, uv_version_string(), workers_.size());
  notify("READY=1");
  watchdog_.start();
  loop_.run();
  for (std::thread& thread : threads_) thread.join();
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

void Daemon::open_tcp(const std::string& host) {
  const config::Config& config = *snapshot_.config;
  for (const io::Address& address :
       listen_addresses(host, static_cast<uint16_t>(config.listen_port))) {
    try {
      tcp_listeners_.push_back(std::make_unique<io::Listener>(
          accepting_loop(), address, listen_options(config, shared_.highest_client_fd),
          [this](io::FileDescriptor fd, const io::Address&) { accepted(std::move(fd)); }));
      log::info("listening on {}", tcp_listeners_.back()->address().text());
    } catch (const SystemError& error) {
      log::warning("{}", error.what());
    }
  }
}

void Daemon::open_unix() {
  const config::Config& config = *snapshot_.config;
  if (config.unix_socket_dir.empty()) return;
  const std::string path =
      fmt::format("{}/.s.PGSQL.{}", config.unix_socket_dir, config.listen_port);
  const io::Address address = io::Address::unix_path(path);
  unix_listener_ = std::make_unique<io::Listener>(
      accepting_loop(), address, listen_options(config, shared_.highest_client_fd),
      [this](io::FileDescriptor fd, const io::Address&) { accepted(std::move(fd)); });
  log::info("listening on {}", unix_listener_->address().text());
}

// A listener ends on its loop's thread.
void Daemon::close_listeners(std::vector<std::unique_ptr<io::Listener>> listeners) {
  if (workers_.size() > 1 || threads_.empty()) return;
  workers_.front()->post([listeners = std::move(listeners)] {
    for (const auto& listener : listeners) listener->close();
  });
}

void Daemon::open_listeners() {
  const config::Config& config = *snapshot_.config;
  for (const std::string& host : config.listen_addr) open_tcp(host);
  if (!config.listen_addr.empty() && tcp_listeners_.empty()) {
    throw PgError("failed to listen on any address in listen_addr list: " +
                  fmt::format("{}", fmt::join(config.listen_addr, ",")));
  }
  open_unix();
  if (tcp_listeners_.empty() && !unix_listener_) throw PgError("nowhere to listen on");
}

// ---- Configuration

void Daemon::adopt(proxy::Snapshot snapshot) {
  snapshot_ = std::move(snapshot);
  shared_.ledgers.adopt(snapshot_.config);
  stats_line_.start();
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
  try {
    log::configure(log_options(*fresh.config, arguments_));
  } catch (const SystemError& error) {
    log::error("{}; keeping the old log", error.what());
  }
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
  shut_down(how);
}

io::Task<void> Daemon::pause_all() {
  auto close_idle = [](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) pool->close_idle("pause mode");
    return true;
  };
  co_await admin::gather(*this, close_idle);
}

void Daemon::on_pause_signal() {
  if (shared_.ledgers.paused().exchange(true)) {
    log::info("got SIGUSR1, but already paused/suspended");
    return;
  }
  log::info("got SIGUSR1, pausing all activity");
  tasks_.spawn(pause_all());
}

void Daemon::on_resume_signal() {
  if (shared_.shutdown != proxy::Shutdown::none) {
    log::info("got SIGUSR2 while shutting down, ignoring");
  } else if (!shared_.ledgers.paused().exchange(false)) {
    log::info("got SIGUSR2, but not paused/suspended");
  } else {
    log::info("got SIGUSR2, continuing from PAUSE");
    for (proxy::Worker* worker : shared_.workers) {
      worker->post([worker] { worker->wake_pools(); });
    }
  }
}

void Daemon::shut_down(proxy::Shutdown how) {
  if (how == proxy::Shutdown::none) return stop();
  shared_.shutdown = how;
  notify("STOPPING=1");
  close_listeners(std::exchange(tcp_listeners_, {}));
  if (how == proxy::Shutdown::wait_for_servers) {
    shared_.ledgers.paused() = true;
    tasks_.spawn(pause_all());
    for (proxy::Worker* worker : shared_.workers) {
      worker->post([worker] { worker->refuse_waiting("server shutting down"); });
    }
  }
  tasks_.spawn(wait_for_end(how));
}

io::Task<bool> Daemon::is_over(proxy::Shutdown how) {
  auto is_free = [how](proxy::Worker& worker) {
    for (auto& [key, pool] : worker.shards) {
      // Counted in the ledger, as some are on their way between workers.
      const proxy::Ledger& ledger = *pool->ledger;
      if (how == proxy::Shutdown::wait_for_clients && ledger.client_count() > 0) return false;
      if (how == proxy::Shutdown::wait_for_servers && ledger.servers.used() > 0) return false;
    }
    return how == proxy::Shutdown::wait_for_servers || worker.logins() == 0;
  };
  const auto answers = co_await admin::gather(*this, is_free);
  bool over = how == proxy::Shutdown::wait_for_servers || consoles_.size() == 0;
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
  if (unix_listener_) tcp_listeners_.push_back(std::move(unix_listener_));
  close_listeners(std::exchange(tcp_listeners_, {}));
  stats_line_.stop();
  watchdog_.stop();
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
