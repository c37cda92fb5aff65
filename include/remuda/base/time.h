// Time in microseconds. Monotonic unless a name says wall.
#pragma once

#include <cstdint>
#include <string>

namespace remuda {

using Micros = int64_t;

constexpr Micros kMillisecond = 1000;
constexpr Micros kSecond = 1000 * 1000;

// Monotonic clock. Loops cache it (io::Loop::now); call this only off the data plane.
Micros monotonic_now() noexcept;

// What the calling thread has used of a processor since it began.
Micros thread_cpu_time() noexcept;

// Wall clock, since 1970-01-01 UTC.
Micros wall_now() noexcept;

// Local time as the console and the log print it: "2026-03-01 12:34:56 CET", and with milliseconds.
std::string format_time(Micros wall);
std::string format_time_ms(Micros wall);

}  // namespace remuda
