#include "daemon/notify.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "io/address.h"
#include "io/file_descriptor.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

// 0 for anything that is no positive number.
int64_t number_of(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *end == '\0' && value > 0 ? value : 0;
}

void send_to(const char* path, std::string_view state) {
  const io::Address address = io::Address::unix_path(path);
  const io::FileDescriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw SystemError(errno, "socket()");
  if (::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, address.raw(),
               address.length()) < 0) {
    throw SystemError(errno, "sendto()");
  }
}

}  // namespace

void notify(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  try {
    send_to(path, state);
  } catch (const SystemError& error) {
    log::warning("the service manager could not be told: {}", error.what());
  }
}

void notify_reloading() {
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_now()));
}

Micros watchdog_period() {
  const int64_t pid = number_of("WATCHDOG_PID");
  if (pid != 0 && pid != ::getpid()) return 0;
  return number_of("WATCHDOG_USEC") / 2;
}

void Watchdog::start() {
  const Micros period = watchdog_period();
  if (period > 0) timer_.repeat(period, [] { notify("WATCHDOG=1"); });
}

}  // namespace remuda::daemon
