#include "remuda/base/log.h"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <vector>

#include "remuda/base/error.h"
#include "remuda/base/time.h"

namespace remuda::log {
namespace {

constexpr size_t kLongestMessage = 2000;
constexpr std::array<const char*, 6> kNames{"FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE"};
constexpr std::array<spdlog::level::level_enum, 6> kSpdlogLevels{
    spdlog::level::critical, spdlog::level::err,   spdlog::level::warn,
    spdlog::level::info,     spdlog::level::debug, spdlog::level::trace};

// Lines arrive at the sinks finished, so a sink adds nothing but the line end.
std::unique_ptr<spdlog::formatter> bare_lines() {
  return std::make_unique<spdlog::pattern_formatter>("%v");
}

int facility_by_name(const std::string& name) {
  if (name == "auth") return LOG_AUTH;
  if (name == "authpriv") return LOG_AUTHPRIV;
  if (name == "user") return LOG_USER;
  if (name.size() == 6 && name.starts_with("local") && name[5] >= '0' && name[5] <= '7') {
    constexpr int kLocal[] = {LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                              LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};
    return kLocal[name[5] - '0'];
  }
  return LOG_DAEMON;
}

void check_writable(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) throw SystemError(errno, "could not open log file '" + file + "'");
  ::close(fd);
}

struct Sinks {
  std::shared_ptr<spdlog::sinks::sink> terminal;
  std::shared_ptr<spdlog::sinks::sink> file;
  std::shared_ptr<spdlog::sinks::sink> syslog;
};

Sinks open_sinks(const Options& options) {
  Sinks sinks;
  if (options.to_stderr) sinks.terminal = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (!options.file.empty()) {
    check_writable(options.file);
    sinks.file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
  }
  if (options.syslog) {
    sinks.syslog = std::make_shared<spdlog::sinks::syslog_sink_mt>(
        options.syslog_ident, LOG_PID, facility_by_name(options.syslog_facility), false);
  }
  for (const auto& sink : {sinks.terminal, sinks.file, sinks.syslog}) {
    if (sink) sink->set_formatter(bare_lines());
  }
  return sinks;
}

std::mutex g_mutex;  // guards g_sinks; the log is the program's one mutable global
Sinks& sinks() {
  static Sinks all = open_sinks(Options{});
  return all;
}
std::atomic<int> g_verbose{0};

std::string tidy(std::string_view message) {
  std::string out;
  for (char c : message.substr(0, kLongestMessage)) {
    out += c;
    if (c == '\n') out += '\t';
  }
  return out;
}

}  // namespace

void configure(const Options& options) {
  Sinks fresh = open_sinks(options);
  const std::lock_guard lock(g_mutex);
  sinks() = std::move(fresh);
  g_verbose = options.verbose;
}

bool is_enabled(Level level) noexcept {
  return static_cast<int>(level) <=
         static_cast<int>(Level::log) + g_verbose.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) noexcept try {
  if (!is_enabled(level)) return;
  const auto index = static_cast<size_t>(level);
  const std::string text = tidy(message);
  const std::string line =
      fmt::format("{} [{}] {} {}", format_time_ms(wall_now()), ::getpid(), kNames[index], text);
  const spdlog::details::log_msg for_files("", kSpdlogLevels[index], line);
  const spdlog::details::log_msg for_syslog("", kSpdlogLevels[index], text);
  const std::lock_guard lock(g_mutex);
  for (const auto& sink : {sinks().terminal, sinks().file}) {
    if (!sink) continue;
    sink->log(for_files);
    sink->flush();
  }
  if (sinks().syslog && level <= Level::log) sinks().syslog->log(for_syslog);
} catch (...) {
  // A log that cannot be written must not take the program down.
}

}  // namespace remuda::log
