#include "daemon/notify.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "admin/gather.h"
#include "daemon/environment.h"
#include "io/address.h"
#include "io/file_descriptor.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"

namespace remuda::daemon {
namespace {

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
  const int64_t pid = environment_number("WATCHDOG_PID");
  if (pid != 0 && pid != ::getpid()) return 0;
  return environment_number("WATCHDOG_USEC") / 2;
}

void Watchdog::start() {
  const Micros period = watchdog_period();
  if (period <= 0) return;
  timer_.repeat(period, [this] {
    if (!is_asking_) control_.tasks().spawn(ask_all());
  });
}

// A worker that does not answer keeps the others from being reported alive.
io::Task<void> Watchdog::ask_all() {
  is_asking_ = true;
  auto answer = [](proxy::Worker&) { return true; };
  co_await admin::gather(control_, answer);
  is_asking_ = false;
  notify("WATCHDOG=1");
}

}  // namespace remuda::daemon
