// Several clients at once. Catch's macros belong to one thread, so threads throw and the test
// looks.
#pragma once

#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace remuda::test {

// Runs `body(0)` to `body(count - 1)` on threads of their own and joins them. Returns what they
// threw, as texts; empty when all went well.
template <class Body>
std::vector<std::string> failures_of(int count, Body body) {
  std::mutex mutex;
  std::vector<std::string> failures;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        body(i);
      } catch (const std::exception& error) {
        std::lock_guard lock(mutex);
        failures.push_back("client " + std::to_string(i) + ": " + error.what());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return failures;
}

}  // namespace remuda::test
