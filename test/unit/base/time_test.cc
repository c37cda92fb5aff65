#include "remuda/base/time.h"

#include <cstdlib>
#include <ctime>

#include "support/catch.h"

namespace remuda::time_test {
namespace {

// Local time is that of a zone without surprises while a test runs.
class FixedZone {
 public:
  explicit FixedZone(const char* zone) {
    const char* old = std::getenv("TZ");
    had_ = old != nullptr;
    if (had_) old_ = old;
    set(zone);
  }
  ~FixedZone() {
    if (had_) {
      set(old_.c_str());
    } else {
      unsetenv("TZ");
      tzset();
    }
  }

 private:
  static void set(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  bool had_ = false;
  std::string old_;
};

constexpr Micros kSomeDay = Micros{1772368496} * kSecond;  // 2026-03-01 12:34:56 UTC

TEST_CASE("the monotonic clock never goes back") {
  Micros last = monotonic_now();
  CHECK(last > 0);
  for (int i = 0; i < 1000; ++i) {
    const Micros now = monotonic_now();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("the wall clock counts from 1970") {
  const Micros before = Micros{std::time(nullptr) - 1} * kSecond;
  const Micros now = wall_now();
  CHECK(now >= before);
  CHECK(now <= Micros{std::time(nullptr) + 1} * kSecond);
}

TEST_CASE("times are printed with their zone") {
  const FixedZone zone("XYZ-1");
  CHECK(format_time(kSomeDay) == "2026-03-01 13:34:56 XYZ");
  CHECK(format_time_ms(kSomeDay + 7 * kMillisecond + 999) == "2026-03-01 13:34:56.007 XYZ");
}

TEST_CASE("milliseconds are cut, not rounded") {
  const FixedZone zone("UTC0");
  CHECK(format_time_ms(kSomeDay + kSecond - 1) == "2026-03-01 12:34:56.999 UTC");
  CHECK(format_time_ms(0) == "1970-01-01 00:00:00.000 UTC");
}

}  // namespace
}  // namespace remuda::time_test
