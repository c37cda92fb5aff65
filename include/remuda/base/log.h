// The log: lines in PgBouncer's format to stderr, a file and syslog. Any thread may write; a line
// is written whole. Never called per query.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace remuda::log {

enum class Level { fatal, error, warning, log, debug, noise };

struct Options {
  bool to_stderr = true;  // off with -q and in the background
  int verbose = 0;        // 0: up to LOG, 1: DEBUG, 2: NOISE
  std::string file;       // appended to; empty = none
  bool syslog = false;
  std::string syslog_ident = "pgbouncer";
  std::string syslog_facility = "daemon";  // an unknown name means daemon
};

// Opens what the options name, closing what was open; also how a rotated file is reopened.
// Throws SystemError when the file cannot be opened, and then changes nothing.
void configure(const Options& options);

bool is_enabled(Level level) noexcept;

// One line. Newlines in the message are followed by a tab; messages are cut near 2 KB.
void write(Level level, std::string_view message) noexcept;

template <class... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void fatal(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::fatal, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::error, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::log, format, std::forward<Args>(args)...);
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::debug, format, std::forward<Args>(args)...);
}

}  // namespace remuda::log
