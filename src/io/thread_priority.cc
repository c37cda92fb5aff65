#include "io/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace remuda::io {
namespace {

constexpr int kNice = 10;
// Nanoseconds; the kernel takes no less than the one and no more than ten times the other.
constexpr uint64_t kShortSlice = 100'000;
constexpr uint64_t kLongSlice = 10'000'000;

// sched_setattr(2), which the C library does not have.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // with SCHED_OTHER, from Linux 6.12 on: the length of a slice
  uint64_t deadline = 0;
  uint64_t period = 0;
};

int own_nice() noexcept {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
}

void set(int nice, uint64_t slice) noexcept {
  Attributes attributes;
  attributes.nice = nice;
  attributes.runtime = slice;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

// A thread with a shorter slice than the one that runs takes its place as soon as it wakes.
void run_promptly() noexcept {
  set(own_nice(), kShortSlice);
}

// The pool's threads have begun as copies of a loop's.
void give_way() noexcept {
  set(std::min(own_nice() + kNice, 19), kLongSlice);
}

}  // namespace remuda::io
