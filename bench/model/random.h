// Random numbers that are the same with every library: xoshiro256** seeded by splitmix64. One
// thread.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace remuda::bench::model {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = split(seed);
  }

  uint64_t bits() noexcept {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // In (0, 1]: its logarithm exists.
  double share() noexcept { return (static_cast<double>(bits() >> 11) + 1) * 0x1p-53; }
  uint32_t below(uint32_t bound) noexcept {
    return static_cast<uint32_t>(((bits() >> 32) * bound) >> 32);
  }
  double exponential(double mean) noexcept { return -mean * std::log(share()); }
  double normal() noexcept {
    return std::sqrt(-2 * std::log(share())) * std::cos(2 * std::numbers::pi * share());
  }

 private:
  static uint64_t split(uint64_t& seed) noexcept {
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::array<uint64_t, 4> state_{};
};

enum class Shape { constant, exponential, lognormal };

// How a time is distributed. `spread` is the coefficient of variation, for lognormal only.
struct Distribution {
  double mean = 0;
  Shape shape = Shape::exponential;
  double spread = 2;

  double draw(Random& random) const noexcept {
    if (mean <= 0 || shape == Shape::constant) return mean;
    if (shape == Shape::exponential) return random.exponential(mean);
    const double variance = std::log1p(spread * spread);
    return mean * std::exp(std::sqrt(variance) * random.normal() - variance / 2);
  }
};

}  // namespace remuda::bench::model
