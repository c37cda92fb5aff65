#include "route/host_health.h"

#include "support/catch.h"

namespace remuda::route::host_health_test {
namespace {

using Answer = HealthSample::Answer;

// A host, its rules, and a clock that goes on by a second per check.
struct Scene {
  HealthRules rules;
  HostHealth health;
  Micros now = 100 * kSecond;

  bool observe(HealthSample sample) {
    now += kSecond;
    return health.observe(rules, sample, now);
  }
  bool primary() { return observe({.answer = Answer::fine, .role = HostRole::primary}); }
  bool standby(std::optional<Micros> lag = 0, std::optional<uint64_t> bytes = 0) {
    return observe(
        {.answer = Answer::fine, .role = HostRole::standby, .lag = lag, .lag_bytes = bytes});
  }
  bool failure() { return observe({.answer = Answer::failed, .reason = "no answer"}); }
  bool refusal() { return observe({.answer = Answer::refused, .reason = "wrong password"}); }
  std::string state() const { return to_text(health.state()); }
  Micros pause(bool in_a_hurry = false) const {
    return health.next_check(rules, now, in_a_hurry) - now;
  }
};

}  // namespace

TEST_CASE("C5 37 the first answer counts at once, whatever it is") {
  Scene good;
  CHECK(good.state() == "unknown");
  CHECK(good.primary());
  CHECK(good.state() == "up");
  CHECK(good.health.role() == HostRole::primary);
  CHECK(good.health.since() == good.now);
  Scene bad;
  CHECK(bad.failure());
  CHECK(bad.state() == "down");
  CHECK(bad.health.reason() == "no answer");
  Scene locked;
  CHECK(locked.refusal());
  CHECK(locked.state() == "down");
}

TEST_CASE("a host is down after `fall` failures in a row, and up after `rise` answers") {
  Scene host;
  host.primary();
  CHECK_FALSE(host.failure());
  CHECK_FALSE(host.failure());
  CHECK_FALSE(host.primary());
  CHECK_FALSE(host.failure());
  CHECK_FALSE(host.failure());
  CHECK(host.state() == "up");
  CHECK(host.failure());
  CHECK(host.state() == "down");
  CHECK(host.health.epoch() == 1);
  CHECK_FALSE(host.failure());
  CHECK_FALSE(host.primary());
  CHECK_FALSE(host.failure());
  CHECK_FALSE(host.primary());
  CHECK(host.state() == "down");
  CHECK(host.primary());
  CHECK(host.state() == "up");
  CHECK(host.health.epoch() == 1);
}

TEST_CASE("a server that lives but refuses the check says nothing of its health") {
  Scene host;
  host.standby();
  for (int i = 0; i < 10; ++i) CHECK_FALSE(host.refusal());
  CHECK(host.state() == "up");
  host.rules.fall = 1;
  host.failure();
  host.rules.rise = 2;
  host.standby();
  host.refusal();
  host.standby();
  CHECK(host.state() == "down");
}

TEST_CASE("checks come faster while a host goes up or down, and at once after an alarm") {
  Scene host;
  host.primary();
  CHECK(host.pause() == 2 * kSecond);
  CHECK(host.pause(true) == 250 * kMillisecond);
  host.health.suspect();
  CHECK(host.pause() == 20 * kMillisecond);
  host.failure();
  CHECK(host.pause() == 250 * kMillisecond);
  host.failure();
  host.failure();
  CHECK(host.state() == "down");
  CHECK(host.pause() == 2 * kSecond);
  host.primary();
  CHECK(host.pause() == 250 * kMillisecond);
  host.primary();
  CHECK(host.pause() == 2 * kSecond);
  host.rules.interval = 100 * kMillisecond;
  CHECK(host.pause(true) == 100 * kMillisecond);
}

TEST_CASE("alarms that come again and again are not answered by a check each") {
  Scene host;
  host.primary();
  host.health.suspect();
  host.primary();
  host.health.suspect();
  CHECK(host.pause() == 250 * kMillisecond);
  host.primary();
  host.primary();
  host.health.suspect();
  CHECK(host.pause() == 20 * kMillisecond);
}

TEST_CASE("C5 37 a role counts at once, and what was opened for the old one is of no use") {
  Scene host;
  host.standby();
  CHECK(host.health.epoch() == 0);
  CHECK(host.primary());
  CHECK(host.health.role() == HostRole::primary);
  CHECK(host.health.epoch() == 1);
  CHECK(host.standby());
  CHECK(host.health.epoch() == 2);
  // One that was down has lost its servers already.
  for (int i = 0; i < 3; ++i) host.failure();
  CHECK(host.health.epoch() == 3);
  host.primary();
  CHECK(host.health.role() == HostRole::standby);
  CHECK(host.primary());
  CHECK(host.health.role() == HostRole::primary);
  CHECK(host.health.epoch() == 3);
}

TEST_CASE("a standby near the limit lags, and is up again when it has been well within") {
  Scene host;
  host.rules.max_lag = 10 * kSecond;
  // It may fall back further until two more checks are done.
  host.standby(9500 * kMillisecond);
  CHECK(host.state() == "up");
  CHECK(host.standby(9600 * kMillisecond, 5000));
  CHECK(host.state() == "lagging");
  CHECK(host.health.epoch() == 1);
  CHECK(host.health.reason() == "behind the primary by 9600 ms, 5000 bytes");
  // Not well within: it stays.
  for (int i = 0; i < 5; ++i) CHECK_FALSE(host.standby(9 * kSecond));
  CHECK_FALSE(host.standby(7500 * kMillisecond));
  CHECK_FALSE(host.standby(7600 * kMillisecond));
  CHECK_FALSE(host.standby(1 * kSecond));
  CHECK(host.standby(1 * kSecond));
  CHECK(host.state() == "up");
  CHECK(host.health.epoch() == 1);
}

TEST_CASE("a limit of less than a few checks keeps its distance too") {
  Scene host;
  host.rules.max_lag = 400 * kMillisecond;
  host.standby(300 * kMillisecond);
  CHECK(host.state() == "up");
  host.standby(301 * kMillisecond);
  CHECK(host.state() == "lagging");
  for (int i = 0; i < 5; ++i) host.standby(221 * kMillisecond);
  CHECK(host.state() == "lagging");
  for (int i = 0; i < 2; ++i) host.standby(220 * kMillisecond);
  CHECK(host.state() == "up");
}

TEST_CASE("a standby is looked at more often as it comes near the limit") {
  Scene host;
  host.standby(3600 * kSecond);
  CHECK(host.pause() == 2 * kSecond);
  host.rules.max_lag = 10 * kSecond;
  host.standby(5 * kSecond);
  CHECK(host.pause() == 2 * kSecond);
  host.standby(5 * kSecond + 1);
  CHECK(host.pause() == 250 * kMillisecond);
  host.primary();
  CHECK(host.pause() == 2 * kSecond);
}

TEST_CASE("C5 37 a standby that has not been looked at for long may be beyond the limit") {
  Scene host;
  host.rules.max_lag = 10 * kSecond;
  host.standby(5 * kSecond);
  CHECK_FALSE(host.health.expire(host.rules, host.now + 4500 * kMillisecond));
  // It may live and refuse the check, when it is full.
  host.refusal();
  CHECK(host.health.expire(host.rules, host.now + 4500 * kMillisecond));
  CHECK(host.state() == "lagging");
  CHECK(host.health.reason() == "its lag was not known in time");
  CHECK_FALSE(host.health.expire(host.rules, host.now + 60 * kSecond));
  Scene unlimited;
  unlimited.standby(5 * kSecond);
  CHECK_FALSE(unlimited.health.expire(unlimited.rules, unlimited.now + 60 * kSecond));
  Scene primary;
  primary.rules.max_lag = kSecond;
  primary.standby(0);
  primary.primary();
  CHECK_FALSE(primary.health.expire(primary.rules, primary.now + 60 * kSecond));
}

TEST_CASE("a limit in bytes") {
  Scene host;
  host.rules.max_lag_bytes = 1000;
  host.standby(std::nullopt, 1000);
  CHECK(host.state() == "up");
  host.standby(std::nullopt, 1001);
  CHECK(host.state() == "lagging");
  host.standby(0, 801);
  host.standby(0, 801);
  CHECK(host.state() == "lagging");
  host.standby(0, 800);
  host.standby(0, 800);
  CHECK(host.state() == "up");
}

TEST_CASE("C5 37 a lag that is not known changes nothing") {
  Scene host;
  host.rules.max_lag = kSecond;
  host.standby(std::nullopt, std::nullopt);
  CHECK(host.state() == "up");
  host.standby(2 * kSecond);
  for (int i = 0; i < 5; ++i) host.standby(std::nullopt, std::nullopt);
  CHECK(host.state() == "lagging");
}

TEST_CASE("C5 37 a standby behind all that is known is late, however long that is") {
  Scene host;
  host.rules.max_lag = kSecond;
  host.standby(std::nullopt, 1);
  CHECK(host.state() == "lagging");
  for (int i = 0; i < 5; ++i) host.standby(std::nullopt, 1);
  CHECK(host.state() == "lagging");
  CHECK(host.health.reason() == "behind the primary, 1 bytes");
  Scene unlimited;
  unlimited.standby(std::nullopt, 1);
  CHECK(unlimited.state() == "up");
}

TEST_CASE("a host at another address is another host") {
  Scene host;
  host.primary();
  host.failure();
  host.health.move("its name has moved", host.now);
  CHECK(host.state() == "unknown");
  CHECK(host.health.role() == HostRole::unknown);
  CHECK(host.health.epoch() == 1);
  CHECK(host.standby());
  CHECK(host.state() == "up");
  CHECK(host.health.epoch() == 1);
}

TEST_CASE("a lagging standby that is promoted is up at once") {
  Scene host;
  host.rules.max_lag = kSecond;
  host.standby(2 * kSecond);
  CHECK(host.primary());
  CHECK(host.state() == "up");
}

TEST_CASE("a primary that another one has followed is used no more until it is a standby") {
  Scene host;
  host.primary();
  CHECK(host.health.supersede(host.now));
  CHECK(host.state() == "superseded");
  CHECK(host.health.epoch() == 1);
  CHECK_FALSE(host.health.supersede(host.now));
  CHECK_FALSE(
      host.observe({.answer = Answer::fine, .role = HostRole::primary, .is_superseded = true}));
  CHECK(host.state() == "superseded");
  CHECK(host.standby());
  CHECK(host.state() == "up");
  CHECK_FALSE(host.health.supersede(host.now));
}

}  // namespace remuda::route::host_health_test
