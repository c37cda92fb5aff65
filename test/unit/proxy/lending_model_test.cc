// The rules of lending, executed by real workers and pools in schedules that the test chooses, and
// then in thousands of random ones. REMUDA_SEED replays a seed.
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "proxy/client.h"
#include "proxy/relay.h"
#include "remuda/wire/builder.h"
#include "support/catch.h"
#include "unit/proxy/lending_scene.h"

namespace remuda::proxy::lending_model_test {
namespace {

config::Config with_pool_size(int size) {
  config::Config config;
  config.default_pool_size = size;
  return config;
}

// Clients of a worker that hold a server each.
std::vector<SceneClient*> holders(LendingScene& scene, size_t worker, int count) {
  std::vector<SceneClient*> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(&scene.greeted(worker));
    all.back()->ask("begin");
    REQUIRE(scene.until([&] { return !all.back()->is_waiting(); }));
  }
  return all;
}

void ask_and_wait(LendingScene& scene, SceneClient& client, const std::string& sql) {
  client.ask(sql);
  INFO("asked: " << sql);
  if (!scene.until([&] { return !client.is_waiting(); })) FAIL("no answer\n" << scene.picture());
  CHECK(client.error() == "");
}

// Asks, and returns when its worker has said that it is hungry.
void ask_and_hunger(LendingScene& scene, SceneClient& client, const std::string& sql) {
  client.ask(sql);
  const int worker = static_cast<int>(client.worker());
  REQUIRE(scene.until([&] { return scene.ledger().hunger.is_stated_by(worker); }));
}

// The first worker lends its only server, or closes it, while the others stand still.
void lend_or_close_alone(LendingScene& scene) {
  const Micros end = monotonic_now() + 10 * kSecond;
  while (scene.servers(0) > 0 && monotonic_now() < end) {
    scene.server.poll();
    scene.turn(0);
  }
  REQUIRE(scene.servers(0) == 0);
}

void lend_alone(LendingScene& scene) {
  lend_or_close_alone(scene);
  REQUIRE(scene.pool(0).lent == 1);
  REQUIRE(scene.pool(1).taken == 0);
}

}  // namespace

TEST_CASE("a server that becomes free goes to the worker whose client waits") {
  LendingScene scene(2, with_pool_size(2));
  const auto busy = holders(scene, 0, 2);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  CHECK(scene.pool(0).lent == 0);
  busy[1]->ask("commit");
  REQUIRE(scene.until([&] { return !hungry.is_waiting(); }));
  CHECK(scene.pool(0).lent == 1);
  CHECK(scene.pool(1).taken == 1);
  CHECK(scene.servers(0) == 1);
  CHECK(scene.servers(1) == 1);
  CHECK(scene.server.logins() == 2);
  CHECK(scene.fault() == "");
  // It stays: nobody asks for it back.
  ask_and_wait(scene, hungry, "select 2");
  CHECK(scene.pool(1).lent == 0);
}

TEST_CASE("an idle server is fed to a worker that has none") {
  LendingScene scene(2, with_pool_size(1));
  ask_and_wait(scene, scene.greeted(0), "select 1");
  ask_and_wait(scene, scene.greeted(1), "select 2");
  CHECK(scene.servers(1) == 1);
  CHECK(scene.server.logins() == 1);
  CHECK(scene.fault() == "");
}

TEST_CASE("a worker with a server of its own asks others when its patience is over") {
  LendingScene scene(2, with_pool_size(2));
  const auto own = holders(scene, 1, 1);
  const auto other = holders(scene, 0, 1);
  SceneClient& second = scene.greeted(1);
  second.ask("select 1");
  REQUIRE(scene.until([&] { return scene.waiting(1) == 1; }));
  ask_and_wait(scene, *other[0], "commit");
  REQUIRE(scene.until([&] { return !second.is_waiting(); }));
  CHECK(scene.pool(1).taken == 1);
}

TEST_CASE("idle servers are fed though the lender's first ones are being checked", "") {
  config::Config config = with_pool_size(2);
  config.server_check_query = "check";
  config.server_check_delay = 0;
  LendingScene scene(2, config);
  bool holds = false;
  scene.server.holds = [&holds](const std::string& sql) { return holds && sql == "check"; };
  const auto at_first = holders(scene, 0, 2);
  SceneClient& hungry = scene.greeted(1);
  for (SceneClient* client : at_first) ask_and_wait(scene, *client, "commit");
  REQUIRE(scene.idle(0) == 2);

  holds = true;
  at_first[0]->ask("begin");
  REQUIRE(scene.until([&] { return scene.server.held("check") == 1; }));
  hungry.ask("select 1");
  REQUIRE(scene.until([&] { return scene.waiting(1) == 1; }));
  scene.let_patience_pass();
  holds = false;
  REQUIRE(scene.until([&] { return at_first[0]->in_transaction(); }));
  INFO("one server is idle, and stays so until the other's transaction ends\n" << scene.picture());
  CHECK(scene.until([&] { return !hungry.is_waiting(); }));
}

TEST_CASE("whoever moves up in the queue asks others as well", "") {
  LendingScene scene(2, with_pool_size(2));
  const auto own = holders(scene, 1, 1);
  const auto other = holders(scene, 0, 1);
  SceneClient& first = scene.greeted(1);
  SceneClient& second = scene.greeted(1);
  ask_and_hunger(scene, first, "select 1");
  second.ask("select 2");
  scene.turn(1);
  first.leave();
  scene.turn(1);
  ask_and_wait(scene, *other[0], "commit");
  INFO(scene.picture());
  CHECK(scene.until([&] { return !second.is_waiting(); }));
}

TEST_CASE("a statement of hunger ends with what was waited for, though it was made twice", "") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& first = scene.greeted(1);
  SceneClient& second = scene.greeted(1);
  ask_and_hunger(scene, first, "select 1");
  // The server is on its way when the one it was asked for has gone, and another one asks.
  second.expect("select 2");
  scene.workers[1]->post([&scene] {
    PoolShard& pool = scene.pool(1);
    close_client(pool.waiting.front(), "test");
    std::string question;
    wire::query(question, "select 2");
    pool.clients.front().on_bytes(question.data(), question.size());
  });
  busy[0]->ask("commit");
  lend_alone(scene);
  REQUIRE(scene.until([&] { return !second.is_waiting(); }));
  scene.let_patience_pass();
  CHECK(scene.fault() == "");
}

TEST_CASE("a server that travels while all are to be closed is closed where it arrives", "") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  const auto told = [&](size_t worker) {
    scene.workers[worker]->post([&scene, worker] { scene.pool(worker).mark_for_close(); });
    scene.turn(worker);
  };
  busy[0]->ask("commit");
  scene.server.poll();

  SECTION("it has left before") {
    lend_alone(scene);
    scene.shared.ledgers.close_servers("");
    told(1);
    told(0);
  }
  SECTION("its worker is told after it has left, the other before") {
    scene.shared.ledgers.close_servers("");
    told(1);
    lend_or_close_alone(scene);
    told(0);
  }
  REQUIRE(scene.until([&] { return !hungry.is_waiting(); }));
  CHECK(scene.server.logins() == 2);
}

TEST_CASE("a server whose database was reconnected is not lent on") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  ++scene.ledger().database->epoch;
  busy[0]->ask("commit");
  REQUIRE(scene.until([&] { return !hungry.is_waiting(); }));
  CHECK(scene.server.logins() == 2);
  CHECK(scene.pool(0).lent == 0);
}

TEST_CASE("a paused pool lends nothing, closes what arrives, and goes on when it is resumed") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  busy[0]->ask("commit");
  SECTION("while it travels") {
    lend_alone(scene);
    CHECK_FALSE(scene.pool(0).is_drained());
    scene.shared.ledgers.paused() = true;
  }
  SECTION("before it is free") {
    scene.shared.ledgers.paused() = true;
  }
  REQUIRE(scene.until([&] { return scene.pool(0).is_drained() && scene.pool(1).is_drained(); }));
  CHECK(scene.ledger().servers.used() == 0);
  CHECK(hungry.is_waiting());
  scene.shared.ledgers.paused() = false;
  for (auto& worker : scene.workers) {
    worker->post([&worker = *worker] { worker.wake_pools(); });
  }
  CHECK(scene.until([&] { return !hungry.is_waiting(); }));
}

TEST_CASE("nobody is overtaken on another worker by more than patience and a share of the wait") {
  LendingScene scene(2, with_pool_size(1));
  std::mt19937 random(1);
  std::vector<SceneClient*> crowd;
  for (int i = 0; i < 6; ++i) crowd.push_back(&scene.greeted(0));
  for (int round = 0; round < 50; ++round) {
    SceneClient& hungry = scene.greeted(1);
    hungry.ask("select 1");
    REQUIRE(scene.until([&] { return scene.waiting(1) == 1 || !hungry.is_waiting(); }));
    const Micros came = scene.waiting(1) == 0 ? 0 : scene.pool(1).waiting.front().wait_start;
    // The crowd asks again and again, and goes round by itself most of the time.
    std::set<Micros> waiting;
    while (hungry.is_waiting()) {
      for (SceneClient* client : crowd) {
        if (client->poll()) client->ask("select 2");
      }
      scene.server.poll();
      scene.turn(0);
      std::set<Micros> now;
      for (const Client& client : scene.pool(0).waiting) now.insert(client.wait_start);
      for (const Micros start : waiting) {
        const Micros margin = Hunger::kPatience + (monotonic_now() - start) / Hunger::kShare;
        if (!now.contains(start)) CHECK(start <= came + margin);
      }
      waiting = std::move(now);
      if (random() % 4 == 0) scene.turn(1);
      hungry.poll();
    }
    hungry.leave();
  }
}

TEST_CASE("a slot that one worker gives back serves a client of another") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  scene.pool(0).mark_for_close();
  busy[0]->leave();
  REQUIRE(scene.until([&] { return !hungry.is_waiting(); }));
  CHECK(scene.server.logins() == 2);
  CHECK(scene.fault() == "");
}

TEST_CASE("another pool's idle server on another worker makes room under max_db_connections") {
  config::Config config = with_pool_size(4);
  config.max_db_connections = 1;
  LendingScene scene(2, config);
  ask_and_wait(scene, scene.greeted(0, "v"), "select 1");
  SceneClient& client = scene.client(1, "u");
  REQUIRE(scene.until([&] { return client.poll(); }));
  ask_and_wait(scene, client, "select 2");
  CHECK(scene.ledger().database->servers.used() == 1);
}

TEST_CASE("logins on every home go on when the first server has come, wherever") {
  LendingScene scene(3, with_pool_size(1));
  bool holds = true;
  scene.server.holds = [&holds](const std::string& sql) { return holds && sql.empty(); };
  std::vector<SceneClient*> all;
  for (const size_t worker : {1, 0, 2, 0, 1, 2}) all.push_back(&scene.client(worker));
  REQUIRE(scene.until([&] { return scene.server.held("") == 1; }));
  scene.let_patience_pass();
  holds = false;
  CHECK(scene.until([&] {
    return std::all_of(all.begin(), all.end(), [](auto* client) { return client->poll(); });
  }));
  CHECK(scene.server.logins() == 1);
  for (SceneClient* client : all) ask_and_wait(scene, *client, "select 1");
}

TEST_CASE("a refused server login is told to those who wait on every home") {
  for (const int size : {1, 3}) {
    LendingScene scene(3, with_pool_size(size));
    bool holds = true;
    scene.server.holds = [&holds](const std::string& sql) { return holds && sql.empty(); };
    scene.server.refuses = "no such role";
    std::vector<SceneClient*> all;
    for (const size_t worker : {1, 0, 2, 0, 1, 2}) all.push_back(&scene.client(worker));
    REQUIRE(scene.until([&] { return scene.server.held("") == size; }));
    scene.let_patience_pass();
    holds = false;
    CHECK(scene.until([&] {
      return std::none_of(all.begin(), all.end(), [](auto* client) { return client->is_open(); });
    }));
    for (SceneClient* client : all) CHECK(client->error() == "no such role");
    CHECK(scene.ledger().servers.used() == 0);
  }
}

TEST_CASE("clients who wait for a server on other homes hear of a refused login too") {
  LendingScene scene(2, with_pool_size(1));
  const auto busy = holders(scene, 0, 1);
  SceneClient& hungry = scene.greeted(1);
  ask_and_hunger(scene, hungry, "select 1");
  scene.server.refuses = "gone";
  SceneClient& other = scene.greeted(0);
  other.ask("select 2");
  REQUIRE(scene.until([&] { return scene.waiting(0) == 1; }));
  scene.pool(0).mark_for_close();
  busy[0]->leave();
  CHECK(scene.until([&] { return !hungry.is_open() && !other.is_open(); }));
  CHECK(hungry.error() == "gone");
  CHECK(other.error() == "gone");
}

// ---- Random schedules

namespace {

struct Plan {
  const char* name;
  size_t workers;
  int clients;
  config::Config config;
  bool two_users = false;  // of one database
  bool is_maintained = false;
};

std::vector<Plan> plans() {
  std::vector<Plan> all;
  all.push_back({"two workers", 2, 8, with_pool_size(3)});
  all.push_back({"four workers", 4, 20, with_pool_size(5)});
  all.push_back({"a single server", 3, 9, with_pool_size(1)});
  all.push_back({"a limit of the database", 2, 10, with_pool_size(4), true, true});
  all.back().config.max_db_connections = 2;
  all.push_back({"a limit of the user", 2, 8, with_pool_size(4)});
  all.back().config.max_user_connections = 1;
  all.push_back({"checks", 3, 9, with_pool_size(4)});
  all.back().config.server_check_query = "check";
  all.back().config.server_check_delay = 0;
  all.push_back({"resets", 2, 8, with_pool_size(3)});
  all.back().config.server_reset_query_always = true;
  all.push_back({"servers used once", 2, 8, with_pool_size(2)});
  all.back().config.server_lifetime = 0;
  all.push_back({"round robin", 2, 8, with_pool_size(3)});
  all.back().config.server_round_robin = true;
  return all;
}

class Play {
 public:
  Play(const Plan& plan, uint64_t seed)
      : plan_(plan), random_(seed), scene_(plan.workers, plan.config) {
    scene_.is_maintained = plan.is_maintained;
    for (int i = 0; i < plan.clients; ++i) seats_.push_back(&newcomer(i));
  }

  // Acts at random; now and then waits until nothing moves, and looks.
  std::string run(int steps) {
    for (int step = 0; step < steps; ++step) {
      act();
      const std::string breach = scene_.breach();
      if (!breach.empty()) return breach + "\n" + scene_.picture();
      if (step % 400 != 399) continue;
      const std::string fault = come_to_rest();
      if (!fault.empty()) return fault + "\n" + scene_.picture();
    }
    return finish();
  }

 private:
  static constexpr Micros kRest = 3 * kSecond;

  size_t below(size_t bound) { return random_() % bound; }

  SceneClient& newcomer(int i) {
    return scene_.client(below(plan_.workers), plan_.two_users && i % 2 == 1 ? "v" : "u");
  }

  void act() {
    const size_t what = below(10);
    if (what < 5) return scene_.turn(below(plan_.workers));
    if (what < 7) return scene_.server.poll();
    const size_t which = below(seats_.size());
    SceneClient*& client = seats_[which];
    if (!client->poll()) {
      if (below(60) == 0) client->leave();
      return;
    }
    if (!client->is_open()) {
      if (below(4) == 0) client = &newcomer(static_cast<int>(which));
    } else if (client->in_transaction()) {
      client->ask(below(3) == 0 ? next_question() : "commit");
    } else {
      client->ask(below(3) == 0 ? "begin" : next_question());
    }
  }

  std::string next_question() { return "select " + std::to_string(++questions_); }

  std::string come_to_rest() {
    std::string fault = "?";
    scene_.until(
        [&] {
          fault = scene_.fault();
          return fault.empty();
        },
        kRest);
    return fault;
  }

  // Everybody ends what he has begun, and gets his answers.
  std::string finish() {
    const bool all_done = scene_.until(
        [&] {
          bool done = true;
          for (SceneClient* client : seats_) {
            if (client->poll() && client->in_transaction()) client->ask("commit");
            done = done && client->poll();
          }
          return done;
        },
        kRest);
    if (!all_done) return "somebody waits for ever\n" + scene_.picture();
    for (SceneClient* client : seats_) {
      if (client->wrong_answers() > 0) return "a wrong answer";
      if (!client->error().empty()) return "refused: " + client->error();
    }
    return come_to_rest();
  }

  const Plan& plan_;
  std::mt19937_64 random_;
  LendingScene scene_;
  std::vector<SceneClient*> seats_;
  int questions_ = 0;
};

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

}  // namespace

TEST_CASE("random schedules lose nobody and keep the limits") {
  const int first = from_environment("REMUDA_SEED", 1);
  const int rounds = from_environment("REMUDA_ROUNDS", 4);
  for (const Plan& plan : plans()) {
    for (int seed = first; seed < first + rounds; ++seed) {
      INFO("plan: " << plan.name << ", REMUDA_SEED=" << seed);
      Play play(plan, static_cast<uint64_t>(seed));
      CHECK(play.run(4000) == "");
    }
  }
}

// ---- Threads

namespace {

// The scene's workers on threads of their own; the server on another.
class Threads {
 public:
  explicit Threads(LendingScene& scene) : scene_(scene) {
    for (auto& worker : scene.workers) {
      all_.emplace_back([this, &worker = *worker] { run(worker); });
    }
    all_.emplace_back([this] {
      while (!is_over_) {
        scene_.server.poll();
        std::this_thread::yield();
      }
    });
  }
  ~Threads() {
    is_stopping_ = true;
    for (auto& worker : scene_.workers) worker->post([&worker = *worker] { worker.stop(); });
    for (size_t i = 0; i < scene_.workers.size(); ++i) all_[i].join();
    is_over_ = true;
    all_.back().join();
  }

 private:
  void run(Worker& worker) {
    worker.loop.stop();
    worker.loop.run();  // one turn: the loop is this thread's now
    while (!is_stopping_ || !worker.shards.empty()) {
      uv_run(worker.loop.raw(), UV_RUN_ONCE);
      without_maintenance(worker);
    }
  }

  LendingScene& scene_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> all_;
};

}  // namespace

TEST_CASE("workers on threads lose nobody and keep the limits") {
  constexpr int kQuestions = 3000;
  LendingScene scene(3, with_pool_size(3));
  std::vector<SceneClient*> all;
  for (size_t i = 0; i < 12; ++i) all.push_back(&scene.client(i % 3));
  const auto seed = static_cast<uint64_t>(from_environment("REMUDA_SEED", 1));
  INFO("REMUDA_SEED=" << seed);
  std::mt19937_64 random(seed);
  bool is_stalled = false;
  bool is_over_limit = false;
  {
    const Threads threads(scene);
    int asked = 0;
    Micros last = monotonic_now();
    while (!is_stalled && !is_over_limit) {
      bool waits = false;
      bool acted = false;
      for (SceneClient* client : all) {
        if (!client->poll()) {
          waits = true;
          continue;
        }
        if (client->in_transaction()) {
          client->ask(random() % 3 == 0 ? "select 1" : "commit");
        } else if (asked >= kQuestions || random() % 3 == 0) {
          continue;
        } else {
          client->ask(random() % 2 == 0 ? "begin" : "select 2");
        }
        waits = acted = true;
        ++asked;
      }
      const Micros now = monotonic_now();
      if (acted) last = now;
      if (!waits && asked >= kQuestions) break;
      is_stalled = waits && now - last > 10 * kSecond;
      is_over_limit = scene.ledger().servers.used() > 3;
      std::this_thread::yield();
    }
  }
  CHECK_FALSE(is_stalled);
  CHECK_FALSE(is_over_limit);
  for (SceneClient* client : all) {
    CHECK(client->wrong_answers() == 0);
    CHECK(client->error() == "");
  }
}

}  // namespace remuda::proxy::lending_model_test
