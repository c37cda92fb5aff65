// Numbers that follow from a seed, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace remuda::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint64_t next() noexcept {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // 0 to n - 1.
  size_t below(size_t n) noexcept { return static_cast<size_t>(next() % n); }
  size_t between(size_t low, size_t high) noexcept { return low + below(high - low + 1); }
  bool one_in(size_t n) noexcept { return below(n) == 0; }

  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }

  std::string pick_text(std::initializer_list<const char*> choices) { return pick(choices); }

 private:
  uint64_t state_;
};

}  // namespace remuda::simulation
