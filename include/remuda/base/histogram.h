// A log-linear histogram of microseconds with fixed buckets: 16 per power of two, so a value is
// known to about 6 %. Recording is two shifts and an increment; merging is adding. One thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace remuda {

class Histogram {
 public:
  static constexpr int kSubBits = 4;
  static constexpr int kGroups = 36;  // up to 2^39 us, some six days
  static constexpr size_t kBuckets = size_t{kGroups} << kSubBits;

  void record(int64_t value) noexcept {
    ++counts_[bucket_of(value)];
    ++total_;
  }

  void merge(const Histogram& other) noexcept {
    for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }

  uint64_t count() const noexcept { return total_; }

  // The upper edge of the bucket in which the given share (0..1) of all values is reached; 0 if
  // empty.
  int64_t percentile(double share) const noexcept {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_) + 0.5);
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= wanted) return upper_edge(i);
    }
    return 0;
  }

  static size_t bucket_of(int64_t value) noexcept {
    if (value < 0) value = 0;
    const auto v = static_cast<uint64_t>(value);
    if (v < (1u << kSubBits)) return v;
    const int log = std::bit_width(v) - 1;
    const int group = log - kSubBits + 1;
    if (group >= kGroups) return kBuckets - 1;
    const uint64_t sub = (v >> (log - kSubBits)) & ((1u << kSubBits) - 1);
    return (size_t(group) << kSubBits) + sub;
  }

  static int64_t upper_edge(size_t bucket) noexcept {
    const size_t group = bucket >> kSubBits;
    const int64_t sub = static_cast<int64_t>(bucket & ((1u << kSubBits) - 1));
    if (group == 0) return sub;
    return ((sub + 1 + (1 << kSubBits)) << (group - 1)) - 1;
  }

 private:
  std::array<uint64_t, kBuckets> counts_{};
  uint64_t total_ = 0;
};

}  // namespace remuda
