// The log as configuration and command line want it. Pure.
#pragma once

#include "config/config.h"
#include "daemon/arguments.h"
#include "remuda/base/log.h"

namespace remuda::daemon {

inline log::Options log_options(const config::Config& config, const Arguments& arguments) {
  log::Options options;
  options.to_stderr = !arguments.quiet;
  options.verbose = config.verbose.value_or(0) + arguments.verbose;
  options.file = config.logfile;
  options.syslog = config.syslog;
  options.syslog_ident = config.syslog_ident;
  options.syslog_facility = config.syslog_facility;
  return options;
}

}  // namespace remuda::daemon
