#include "proxy/ledger.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "support/catch.h"

namespace remuda::proxy::ledger_test {
namespace {

std::shared_ptr<config::Config> config_with(int pool_size, int max_db, int max_user) {
  auto config = std::make_shared<config::Config>();
  config->default_pool_size = pool_size;
  config->max_db_connections = max_db;
  config->max_user_connections = max_user;
  config::Database any;
  any.name = any.dbname = "*";
  config->fallback = any;
  return config;
}

struct Fixture {
  explicit Fixture(const std::shared_ptr<config::Config>& config)
      : ledgers([this](int worker) { woken.push_back(worker); }) {
    ledgers.adopt(config);
  }
  std::optional<Slot> reserve(const char* database, const char* user, bool with_reserve = false) {
    return Slot::reserve(ledgers, ledgers.pool(database, user), 3, with_reserve, 0, why);
  }
  std::vector<int> woken;
  WaitReason why = WaitReason::paused;
  Ledgers ledgers;
};

}  // namespace

TEST_CASE("a slot takes one of every budget and gives all back") {
  Fixture f(config_with(2, 0, 0));
  {
    auto first = f.reserve("d", "u");
    auto second = f.reserve("d", "u");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(f.ledgers.pool("d", "u")->servers.used() == 2);
    CHECK(f.ledgers.database("d")->servers.used() == 2);
    CHECK(f.ledgers.user("u")->servers.used() == 2);
    CHECK_FALSE(f.reserve("d", "u"));
    CHECK(f.why == WaitReason::pool_full);
    CHECK(f.woken.empty());
  }
  CHECK(f.ledgers.pool("d", "u")->servers.used() == 0);
  CHECK(f.ledgers.database("d")->servers.used() == 0);
  CHECK(f.ledgers.user("u")->servers.used() == 0);
  CHECK(f.woken == std::vector<int>{3});
}

TEST_CASE("what fails half-way takes nothing, and says which budget was full") {
  SECTION("database") {
    Fixture f(config_with(5, 1, 0));
    auto held = f.reserve("d", "a");
    CHECK_FALSE(f.reserve("d", "b"));
    CHECK(f.why == WaitReason::database_limit);
    CHECK(f.ledgers.pool("d", "b")->servers.used() == 0);
    CHECK(f.reserve("other", "b"));
  }
  SECTION("user") {
    Fixture f(config_with(5, 0, 1));
    auto held = f.reserve("d1", "a");
    CHECK_FALSE(f.reserve("d2", "a"));
    CHECK(f.why == WaitReason::user_limit);
    CHECK(f.ledgers.database("d2")->servers.used() == 0);
    CHECK(f.ledgers.pool("d2", "a")->servers.used() == 0);
  }
}

TEST_CASE("room under a shared limit goes to the pool that has waited longest") {
  Fixture f(config_with(5, 1, 0));
  auto held = f.reserve("d", "holder");
  const auto early = f.ledgers.pool("d", "early");
  const auto late = f.ledgers.pool("d", "late");
  SharedBudget& limit = f.ledgers.database("d")->servers;
  const auto reserve = [&](const std::shared_ptr<Ledger>& pool, Micros since) {
    return Slot::reserve(f.ledgers, pool, 1, false, since, f.why);
  };
  limit.claims.state({late.get(), 5, 200});
  limit.claims.state({early.get(), 4, 100});
  CHECK(f.woken.empty());
  held.reset();
  CHECK(f.woken == std::vector<int>{4});
  CHECK_FALSE(reserve(late, 200));
  CHECK(f.why == WaitReason::database_limit);
  // Nobody waits for a server that is only to be kept ready.
  CHECK_FALSE(reserve(late, 0));
  SECTION("which takes it") {
    auto slot = reserve(early, 100);
    CHECK(slot);
    f.woken.clear();
    f.ledgers.withdraw(limit, early.get(), 4);
    CHECK(f.woken.empty());
    slot.reset();
    CHECK(f.woken == std::vector<int>{5});
  }
  SECTION("or leaves it to the next one") {
    f.woken.clear();
    f.ledgers.withdraw(limit, early.get(), 4);
    CHECK(f.woken == std::vector<int>{5});
    CHECK(reserve(late, 200));
  }
}

TEST_CASE("the reserve is only for those who may take it") {
  auto config = config_with(1, 0, 0);
  config->reserve_pool_size = 1;
  Fixture f(config);
  auto first = f.reserve("d", "u");
  CHECK_FALSE(f.reserve("d", "u"));
  auto second = f.reserve("d", "u", true);
  CHECK(second);
  CHECK_FALSE(f.reserve("d", "u", true));
}

TEST_CASE("a new configuration changes limits, and raises the epoch of a database that moved") {
  Fixture f(config_with(1, 0, 0));
  auto first = f.reserve("d", "u");
  CHECK_FALSE(f.reserve("d", "u"));
  auto changed = config_with(2, 0, 0);
  f.ledgers.adopt(changed);
  CHECK(f.reserve("d", "u"));
  CHECK(f.ledgers.database("d")->epoch == 0);
  auto moved = config_with(2, 0, 0);
  moved->fallback->hosts = {"10.0.0.9"};
  f.ledgers.adopt(moved);
  CHECK(f.ledgers.database("d")->epoch == 1);
}

TEST_CASE("many threads never pass the limit, and nobody who waits is forgotten") {
  constexpr int kThreads = 4;
  constexpr int kSlots = 3;
  constexpr int kRounds = 5000;
  struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    bool is_rung = false;
  };
  std::array<Bell, kThreads> bells;
  Ledgers ledgers([&](int worker) {
    Bell& bell = bells[static_cast<size_t>(worker)];
    const std::lock_guard lock(bell.mutex);
    bell.is_rung = true;
    bell.rung.notify_one();
  });
  ledgers.adopt(config_with(kThreads, kSlots, 0));
  SharedBudget& limit = ledgers.database("d")->servers;
  std::atomic<int> held{0};
  std::atomic<bool> passed_limit{false};
  std::atomic<int> forgotten{0};
  std::vector<std::thread> threads;
  for (int worker = 0; worker < kThreads; ++worker) {
    threads.emplace_back([&, worker] {
      std::mt19937 random(static_cast<unsigned>(worker) + 1);
      const auto pool = ledgers.pool("d", "u" + std::to_string(worker));
      for (int round = 0; round < kRounds; ++round) {
        WaitReason why{};
        const Micros since = monotonic_now();
        auto slot = Slot::reserve(ledgers, pool, worker, false, since, why);
        if (!slot) {
          limit.claims.state({pool.get(), worker, since});
          slot = Slot::reserve(ledgers, pool, worker, false, since, why);
        }
        while (!slot) {
          Bell& bell = bells[static_cast<size_t>(worker)];
          std::unique_lock lock(bell.mutex);
          if (!bell.rung.wait_for(lock, std::chrono::seconds(20), [&] { return bell.is_rung; })) {
            ++forgotten;
            return;
          }
          bell.is_rung = false;
          lock.unlock();
          slot = Slot::reserve(ledgers, pool, worker, false, since, why);
        }
        ledgers.withdraw(limit, pool.get(), worker);
        if (held.fetch_add(1) >= kSlots) passed_limit = true;
        if (random() % 4 == 0) std::this_thread::yield();
        held.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(forgotten == 0);
  CHECK_FALSE(passed_limit);
  CHECK(ledgers.database("d")->servers.used() == 0);
}

TEST_CASE("what nobody refers to any more is forgotten, databases after a time") {
  Fixture f(config_with(2, 0, 0));
  const auto knows = [&](const char* name) { return f.ledgers.find_database(name) != nullptr; };
  constexpr Micros kTimeout = 10;
  auto slot = f.reserve("d", "u");
  f.ledgers.drop_unused(1, kTimeout);
  f.ledgers.drop_unused(100, kTimeout);
  CHECK(knows("d"));
  CHECK(f.ledgers.users().size() == 1);
  slot.reset();
  f.ledgers.drop_unused(101, kTimeout);
  CHECK(f.ledgers.users().empty());
  f.ledgers.drop_unused(110, kTimeout);
  CHECK(knows("d"));
  f.ledgers.drop_unused(111, kTimeout);
  CHECK_FALSE(knows("d"));
}

TEST_CASE("a database that is configured, paused, disabled or referred to is not forgotten") {
  const auto config = config_with(2, 0, 0);
  config->databases["configured"].name = "configured";
  Fixture f(config);
  f.ledgers.database("configured");
  f.ledgers.database("paused")->paused = true;
  f.ledgers.database("disabled")->disabled = true;
  const auto held = f.ledgers.database("held");
  f.ledgers.database("plain");
  f.ledgers.drop_unused(1, 0);
  f.ledgers.drop_unused(1000000, 0);
  CHECK(f.ledgers.databases().size() == 5);  // 0: never
  f.ledgers.drop_unused(2000000, 1);
  CHECK(f.ledgers.databases().size() == 4);
  CHECK(f.ledgers.find_database("plain") == nullptr);
}

TEST_CASE("waits are counted and timed by reason") {
  WaitClock waits;
  waits.advance(0, 0);
  waits.begin_wait();
  waits.advance(1000, 1);
  waits.set_reason(1500, 1, WaitReason::server_login);
  waits.advance(2500, 1);
  const auto& sums = waits.sums();
  CHECK(sums[static_cast<size_t>(WaitReason::pool_full)].count == 1);
  CHECK(sums[static_cast<size_t>(WaitReason::pool_full)].time == 1500);
  CHECK(sums[static_cast<size_t>(WaitReason::server_login)].count == 1);
  CHECK(sums[static_cast<size_t>(WaitReason::server_login)].time == 1000);
}

}  // namespace remuda::proxy::ledger_test
