#include "daemon/run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "config/load.h"
#include "daemon/daemon.h"
#include "daemon/log_options.h"
#include "daemon/process.h"
#include "daemon/snapshot.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

// Descriptors beside clients and servers: listeners, logs, loops.
constexpr long kOwnDescriptors = 64;

// Logins and handshakes share libuv's pool with name resolution, which must not wait for them.
std::string thread_pool_size(const config::Config& config) {
  constexpr size_t kForNames = 4;
  constexpr size_t kMost = 1024;  // of libuv's
  const size_t per_worker = proxy::Worker::kCryptoThreads + proxy::Worker::kDirectoryThreads;
  return std::to_string(std::min(worker_count(config) * per_worker + kForNames, kMost));
}

long expected_descriptors(const config::Config& config) {
  long expected = config.max_client_conn + kOwnDescriptors;
  for (const auto& [name, database] : config.databases) {
    expected += database.pool_size.value_or(config.default_pool_size);
  }
  return expected;
}

// Everything up to serving; what is thrown ends the program with exit code 1.
int run_daemon(const Arguments& arguments) {
  config::Loaded loaded = config::load(arguments.config);
  for (const config::Fault& fault : loaded.faults) log::error("{}", fault.text());
  if (!loaded.config) {
    log::fatal("cannot load config file");
    return 1;
  }
  const config::Config& config = *loaded.config;
  if (arguments.background && config.pidfile.empty()) {
    throw PgError("daemon needs pidfile configured");
  }
  switch_user(arguments.user.value_or(config.user.value_or("")));
  if (::geteuid() == 0) {
    throw PgError("PgBouncer should not run as root (give -u USER, or set user in the configuration)");
  }
  log::configure(log_options(config, arguments));
  for (const std::string& message : loaded.messages) log::warning("{}", message);
  PidFile::check(config.pidfile);
  raise_descriptor_limit(config.max_client_conn, expected_descriptors(config));
  if (arguments.background) {
    Arguments quiet = arguments;
    quiet.quiet = true;
    log::configure(log_options(config, quiet));
    go_to_background();
  }
  ::setenv("UV_THREADPOOL_SIZE", thread_pool_size(config).c_str(), 0);
  const proxy::Snapshot snapshot = make_snapshot(loaded);
  Arguments effective = arguments;
  effective.quiet |= arguments.background;
  Daemon daemon(effective, snapshot);
  daemon.run();
  return 0;
}

}  // namespace

int run(const Arguments& arguments) {
  log::Options options;
  options.verbose = arguments.verbose;
  options.to_stderr = !arguments.quiet;
  try {
    log::configure(options);
    return run_daemon(arguments);
  } catch (const std::exception& error) {
    log::fatal("{}", error.what());
    return 1;
  }
}

int check_config(const std::string& path) {
  const config::Loaded loaded = config::load(path);
  for (const config::Fault& fault : loaded.faults) {
    std::fprintf(stderr, "%s\n", fault.text().c_str());
  }
  for (const std::string& message : loaded.messages) {
    std::fprintf(stderr, "warning: %s\n", message.c_str());
  }
  if (loaded.config) std::printf("%s: no faults\n", path.c_str());
  return loaded.config ? 0 : 1;
}

}  // namespace remuda::daemon
