#include "daemon/run.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "config/load.h"
#include "daemon/daemon.h"
#include "daemon/listeners.h"
#include "daemon/log_options.h"
#include "daemon/process.h"
#include "daemon/snapshot.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

// Descriptors beside clients and servers: listeners, logs, loops.
constexpr long kOwnDescriptors = 64;

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
    throw PgError(
        "PgBouncer should not run as root (give -u USER, or set user in the configuration)");
  }
  log::configure(log_options(config, arguments));
  for (const std::string& message : loaded.messages) log::warning("{}", message);
  check_unix_socket(config);
  PidFile::check(config.pidfile);
  raise_descriptor_limit(config.max_client_conn, expected_descriptors(config));
  Arguments effective = arguments;
  if (arguments.background) {
    effective.quiet = true;
    log::configure(log_options(config, effective));
    go_to_background();
  }
  const proxy::Snapshot snapshot = make_snapshot(loaded);
  Daemon daemon(effective, snapshot);
  return daemon.run();
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
  if (!loaded.config) return 1;
  try {
    make_snapshot(loaded);  // certificates, rules of access: what is odd in them is logged
  } catch (const PgError& error) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), error.what());
    return 1;
  }
  std::printf("%s: no faults\n", path.c_str());
  return 0;
}

}  // namespace remuda::daemon
