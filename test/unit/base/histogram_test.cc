#include "remuda/base/histogram.h"

#include <limits>
#include <memory>

#include "support/catch.h"

namespace remuda::histogram_test {
namespace {

TEST_CASE("small values are exact") {
  for (int64_t v = 0; v < 32; ++v) CHECK(Histogram::upper_edge(Histogram::bucket_of(v)) == v);
}

TEST_CASE("every value lies in its bucket, and in the bucket above the one before") {
  for (size_t i = 1; i + 1 < Histogram::kBuckets; ++i) {
    const int64_t edge = Histogram::upper_edge(i);
    REQUIRE(edge > Histogram::upper_edge(i - 1));
    REQUIRE(Histogram::bucket_of(edge) == i);
    REQUIRE(Histogram::bucket_of(edge + 1) == i + 1);
  }
}

TEST_CASE("a value is known to one part in sixteen") {
  for (int64_t v = 16; v < int64_t{1} << 39; v += v / 7) {
    const int64_t edge = Histogram::upper_edge(Histogram::bucket_of(v));
    REQUIRE(edge >= v);
    REQUIRE(edge - v <= v / 16);
  }
}

TEST_CASE("values out of range count at the ends") {
  CHECK(Histogram::bucket_of(-1) == 0);
  CHECK(Histogram::bucket_of(std::numeric_limits<int64_t>::min()) == 0);
  CHECK(Histogram::bucket_of(std::numeric_limits<int64_t>::max()) == Histogram::kBuckets - 1);
  CHECK(Histogram::bucket_of((int64_t{1} << 39) - 1) == Histogram::kBuckets - 1);
}

TEST_CASE("percentiles of nothing are zero") {
  const auto histogram = std::make_unique<Histogram>();
  CHECK(histogram->count() == 0);
  CHECK(histogram->percentile(0) == 0);
  CHECK(histogram->percentile(0.99) == 0);
}

TEST_CASE("percentiles") {
  const auto histogram = std::make_unique<Histogram>();
  for (int64_t v = 1; v <= 1000; ++v) histogram->record(v);
  CHECK(histogram->count() == 1000);
  CHECK(histogram->percentile(0) == 1);
  CHECK(histogram->percentile(0.01) == 10);
  CHECK(histogram->percentile(0.5) >= 500);
  CHECK(histogram->percentile(0.5) <= 531);
  CHECK(histogram->percentile(1) >= 1000);
  CHECK(histogram->percentile(1) <= 1023);
}

TEST_CASE("one slow value among many shows at the top only") {
  const auto histogram = std::make_unique<Histogram>();
  for (int i = 0; i < 999; ++i) histogram->record(5);
  histogram->record(1'000'000);
  CHECK(histogram->percentile(0.99) == 5);
  CHECK(histogram->percentile(0.9999) >= 1'000'000);
}

TEST_CASE("merging is adding") {
  const auto one = std::make_unique<Histogram>();
  const auto two = std::make_unique<Histogram>();
  for (int i = 0; i < 10; ++i) one->record(1);
  for (int i = 0; i < 30; ++i) two->record(9);
  one->merge(*two);
  CHECK(one->count() == 40);
  CHECK(one->percentile(0.25) == 1);
  CHECK(one->percentile(0.3) == 9);
  CHECK(two->count() == 30);
}

}  // namespace
}  // namespace remuda::histogram_test
