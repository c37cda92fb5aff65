// Waiting for a condition of another process: polls it, never sleeps a guessed time.
#pragma once

#include <chrono>
#include <thread>

namespace remuda::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Long enough for a sanitizer build on a busy machine; a healthy test never comes near it.
constexpr milliseconds kPatience = seconds(30);

// True as soon as `condition()` is, asking every few milliseconds; false when `timeout` has passed.
template <class Condition>
bool eventually(Condition condition, milliseconds timeout = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(milliseconds(3));
  }
  return true;
}

}  // namespace remuda::test
