#include "remuda/base/time.h"

#include <fmt/core.h>

#include <ctime>

namespace remuda {
namespace {

Micros read_clock(clockid_t clock) noexcept {
  timespec ts{};
  clock_gettime(clock, &ts);
  return Micros{ts.tv_sec} * kSecond + ts.tv_nsec / 1000;
}

std::string format(Micros wall, bool with_ms) {
  const time_t seconds = wall / kSecond;
  tm local{};
  localtime_r(&seconds, &local);
  char date[32];
  char zone[16];
  strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
  strftime(zone, sizeof zone, "%Z", &local);
  if (!with_ms) return fmt::format("{} {}", date, zone);
  return fmt::format("{}.{:03} {}", date, wall % kSecond / 1000, zone);
}

}  // namespace

Micros monotonic_now() noexcept {
  return read_clock(CLOCK_MONOTONIC);
}
Micros thread_cpu_time() noexcept {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
Micros wall_now() noexcept {
  return read_clock(CLOCK_REALTIME);
}
std::string format_time(Micros wall) {
  return format(wall, false);
}
std::string format_time_ms(Micros wall) {
  return format(wall, true);
}

}  // namespace remuda
