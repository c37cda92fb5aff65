#include "admin/stats_sum.h"

#include "support/catch.h"

namespace remuda::admin::stats_sum_test {

TEST_CASE("averages cover the time since the last mark but one", "[stats_sum]") {
  proxy::StatsHistory history;
  history.now.queries = 100;
  history.now.transactions = 50;
  history.now.query_time = 9000;
  history.older.queries = 40;
  history.older.transactions = 40;
  history.older.query_time = 3000;
  history.older_time = 1 * kSecond;
  history.now.transaction_time = 1234;
  history.now.wait_time = 700;
  StatsSum sum;
  sum.add(history, 31 * kSecond);
  const auto totals = sum.totals();
  const auto averages = sum.averages();
  CHECK(totals[1] == 50);
  CHECK(totals[2] == 100);
  CHECK(totals[6] == 9000);
  CHECK(averages[2] == 2);    // 60 queries in 30 seconds
  CHECK(averages[1] == 0);    // a third of a transaction per second
  CHECK(averages[5] == 123);  // 1234 us in ten transactions
  CHECK(averages[6] == 100);  // 6000 us in 60 queries
  CHECK(averages[7] == 0);    // nobody was given a server
}

TEST_CASE("sums add counters and keep the longest span", "[stats_sum]") {
  proxy::StatsHistory young;
  young.now.received = 1000;
  young.older_time = 90 * kSecond;
  proxy::StatsHistory old;
  old.now.received = 5000;
  old.older.received = 1000;
  old.older_time = 80 * kSecond;
  StatsSum sum;
  sum.add(young, 100 * kSecond);
  StatsSum other;
  other.add(old, 100 * kSecond);
  sum.add(other);
  CHECK(sum.totals()[3] == 6000);
  CHECK(sum.averages()[3] == 250);  // 5000 bytes in 20 seconds
}

TEST_CASE("a mark moves the older one on", "[stats_sum]") {
  proxy::StatsHistory history;
  const Micros begun = history.older_time;
  CHECK(begun > 0);
  history.now.queries = 1;
  history.mark();
  CHECK(history.older.queries == 0);
  CHECK(history.older_time == begun);
  history.now.queries = 2;
  history.mark();
  CHECK(history.older.queries == 1);
  CHECK(history.newer.queries == 2);
  CHECK(history.older_time >= begun);
  CHECK(history.newer_time >= history.older_time);
}

TEST_CASE("a sum of nothing has no averages to divide by", "[stats_sum]") {
  const StatsSum nothing;
  for (const uint64_t value : nothing.averages()) CHECK(value == 0);
}

}  // namespace remuda::admin::stats_sum_test
