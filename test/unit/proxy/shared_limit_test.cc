// Pools of several users under one limit of their database, on real workers: who gets what becomes
// free. Maintenance does not run, so nothing is repaired later.
#include <poll.h>
#include <sys/resource.h>
#include <uv.h>

#include "proxy/refusal.h"
#include "proxy/relay.h"
#include "support/catch.h"
#include "unit/proxy/lending_scene.h"

namespace remuda::proxy::shared_limit_test {
namespace {

config::Config with_database_limit(int limit) {
  config::Config config;
  config.default_pool_size = 5;
  config.max_db_connections = limit;
  return config;
}

bool waits(LendingScene& scene, size_t worker, const std::string& user) {
  return !scene.pool(worker, user).waiting.empty();
}

SceneClient& holder(LendingScene& scene, size_t worker, const std::string& user) {
  SceneClient& client = scene.greeted(worker, user);
  client.ask("begin");
  REQUIRE(scene.until([&] { return !client.is_waiting(); }));
  return client;
}

// The next to queue came later by more than the clock may miss.
void ask_and_queue(LendingScene& scene, SceneClient& client, const std::string& user) {
  client.ask(user);
  REQUIRE(scene.until([&] { return waits(scene, client.worker(), user); }));
  const Micros end = monotonic_now() + 3 * kMillisecond;
  REQUIRE(scene.until([&] { return monotonic_now() > end; }));
}

// Something is in its mailbox, or on a connection of its.
bool has_something_to_do(Worker& worker) {
  pollfd loop{uv_backend_fd(worker.loop.raw()), POLLIN, 0};
  return ::poll(&loop, 1, 0) == 1;
}

// The process may open no more descriptors while this lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("C5.35 a server that becomes free at a shared limit goes to whoever came first") {
  LendingScene scene(3, with_database_limit(1));
  const size_t early_on = GENERATE(size_t{1}, size_t{2});
  SceneClient& early = scene.greeted(early_on, "early");
  SceneClient& late = scene.greeted(3 - early_on, "late");
  SceneClient& held = holder(scene, 0, "h");
  ask_and_queue(scene, early, "early");
  ask_and_queue(scene, late, "late");
  held.ask("commit");
  REQUIRE(scene.until([&] { return !early.is_waiting() || !late.is_waiting(); }));
  CHECK_FALSE(early.is_waiting());
  CHECK(late.is_waiting());
  CHECK(scene.until([&] { return !late.is_waiting(); }));
  CHECK(scene.ledger("h").database->servers.claims.oldest() == 0);
  CHECK(scene.ledger("h").database->servers.used() == 1);
}

TEST_CASE("C5.35 clients who never stop asking do not keep another pool out") {
  LendingScene scene(2, with_database_limit(1));
  SceneClient& other = scene.greeted(1, "other");
  SceneClient& first = scene.greeted(0, "busy");
  SceneClient& second = scene.greeted(0, "busy");
  other.ask("other");
  const auto both_ask = [&] {
    for (SceneClient* client : {&first, &second}) {
      if (!client->is_waiting()) client->ask("busy");
    }
    return first.answers() + second.answers();
  };
  const auto other_is_served = [&] {
    (void)both_ask();
    return !other.is_waiting();
  };
  CHECK(scene.until(other_is_served));
  const int before = both_ask();
  CHECK(scene.until([&] { return both_ask() > before + 2; }));
}

TEST_CASE("at a full limit a pool asks the others once, however many of its clients wait") {
  LendingScene scene(2, with_database_limit(1));
  scene.pool(1, "other");
  std::vector<SceneClient*> queue;
  for (int i = 0; i < 3; ++i) queue.push_back(&scene.greeted(0, "u"));
  SceneClient& held = holder(scene, 0, "h");
  ask_and_queue(scene, *queue[0], "u");
  REQUIRE(scene.until([&] { return !has_something_to_do(*scene.workers[1]); }));
  const int used = scene.ledger("u").database->servers.used();
  for (size_t i = 1; i < queue.size(); ++i) {
    queue[i]->ask("u");
    REQUIRE(scene.until([&] {
      scene.turn(0);
      CHECK_FALSE(has_something_to_do(*scene.workers[1]));
      return scene.pool(0, "u").waiting.size() > i;
    }));
  }
  CHECK(scene.ledger("u").database->servers.used() == used);
  held.ask("commit");
  CHECK(scene.until([&] {
    return std::none_of(queue.begin(), queue.end(),
                        [](auto* client) { return client->is_waiting(); });
  }));
}

TEST_CASE("who no longer waits leaves room under a shared limit to the next") {
  LendingScene scene(3, with_database_limit(1));
  SceneClient& early = scene.greeted(1, "early");
  SceneClient& late = scene.greeted(2, "late");
  SceneClient& held = holder(scene, 0, "h");
  ask_and_queue(scene, early, "early");
  ask_and_queue(scene, late, "late");
  early.leave();
  REQUIRE(scene.until([&] { return !waits(scene, 1, "early"); }));
  held.ask("commit");
  CHECK(scene.until([&] { return !late.is_waiting(); }));
}

TEST_CASE("a client that is killed between two workers ends where it arrives") {
  LendingScene scene(2, with_database_limit(0));
  SceneClient& client = scene.greeted(0);
  SceneClient& stays = scene.greeted(1);
  REQUIRE(scene.workers[0]->send_away(scene.pool(0).clients.front(), 1));
  SECTION("by KILL") {
    ++scene.ledger().database->kills;
    CHECK(scene.until([&] { return !client.is_open(); }));
    CHECK(client.error() == "database removed");
  }
  SECTION("but not by RECONNECT") {
    ++scene.ledger().database->epoch;
    scene.shared.ledgers.close_servers("d");
    client.ask("1");
    CHECK(scene.until([&] { return !client.is_waiting(); }));
    CHECK(client.error() == "");
  }
  CHECK(stays.is_open());
}

TEST_CASE("C4.33 a shortage of descriptors is told, and not taken for the server's fault later") {
#ifdef __SANITIZE_ADDRESS__
  WARN("left out under this sanitizer, which needs descriptors itself");
  return;
#endif
  LendingScene scene(1, with_database_limit(0));
  scene.is_maintained = true;
  SceneClient& client = scene.client(0);
  {
    const NoDescriptors none;
    CHECK(scene.until([&] { return !client.is_open(); }));
  }
  CHECK(client.error() == kNoDescriptors);
  CHECK(scene.ledger().facts.failed_at() == 0);
  SceneClient& next = scene.client(0);
  CHECK(scene.until([&] { return !next.is_waiting(); }));
  CHECK(next.error() == "");
}

}  // namespace remuda::proxy::shared_limit_test
