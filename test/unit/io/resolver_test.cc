#include "io/resolver.h"

#include <algorithm>
#include <string>

#include "io/deadline.h"
#include "io/loop.h"
#include "io/task_scope.h"
#include "remuda/base/error.h"
#include "remuda/base/log.h"
#include "support/catch.h"
#include "unit/io/run_until.h"

namespace remuda::io::resolver_test {
namespace {

// Refused before any name server is asked: no label may be empty.
constexpr const char* kNoName = "no..such..name";

// Keeps a thousand expected warnings out of the output.
struct Quiet {
  Quiet() {
    log::Options options;
    options.to_stderr = false;
    log::configure(options);
  }
  ~Quiet() { log::configure(log::Options()); }
};

// What every name is, for a resolver that asks this; empty: there is no such name.
std::string all_names_are;

int answer(uv_loop_t* loop, uv_getaddrinfo_t* request, uv_getaddrinfo_cb done, const char*,
           const char* service, const addrinfo* hints) {
  const char* name = all_names_are.empty() ? "256.0.0.1" : all_names_are.c_str();
  addrinfo numeric = *hints;
  numeric.ai_flags = AI_NUMERICHOST;
  return uv_getaddrinfo(loop, request, done, name, service, &numeric);
}

bool has_loopback(const std::vector<Address>& addresses, uint16_t port) {
  return std::any_of(addresses.begin(), addresses.end(), [port](const Address& address) {
    return address == *Address::numeric("127.0.0.1", port) ||
           address == *Address::numeric("::1", port);
  });
}

}  // namespace

TEST_CASE("numeric hosts and paths need no look-up", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  for (const char* host : {"127.0.0.1", "::1", "/tmp", "@name"}) {
    INFO(host);
    auto task = resolver.resolve(host, 5432);
    REQUIRE(task.is_done());
    const auto addresses = task.await_resume();
    REQUIRE(addresses.size() == 1);
    CHECK(addresses[0].port() == (host[0] == '/' || host[0] == '@' ? 0 : 5432));
  }
  CHECK(resolver.lookups() == 0);
  CHECK(resolver.names().empty());
}

TEST_CASE("a name that is in doubt is looked up again", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  resolver.set_ttl(3600 * kSecond, 3600 * kSecond);
  finish(loop, resolver.resolve("localhost", 5432));
  resolver.expire("localhost");
  resolver.expire("unknown");
  CHECK(has_loopback(finish(loop, resolver.resolve("localhost", 5432)), 5432));
  CHECK(resolver.lookups() == 2);
}

TEST_CASE("a name is looked up once while its answer is fresh", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  resolver.set_ttl(3600 * kSecond, 3600 * kSecond);
  CHECK(has_loopback(finish(loop, resolver.resolve("localhost", 5432)), 5432));
  auto again = resolver.resolve("localhost", 6432);
  CHECK(again.is_done());
  CHECK(has_loopback(again.await_resume(), 6432));
  CHECK(resolver.lookups() == 1);
  const auto names = resolver.names();
  REQUIRE(names.size() == 1);
  CHECK(names[0].host == "localhost");
  CHECK(names[0].left > 3590 * kSecond);
  CHECK(!names[0].addresses.empty());
}

TEST_CASE("a stale answer is asked for again", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  resolver.set_ttl(0, 0);
  finish(loop, resolver.resolve("localhost", 1));
  finish(loop, sleep_for(loop, kMillisecond));
  finish(loop, resolver.resolve("localhost", 1));
  CHECK(resolver.lookups() == 2);
}

TEST_CASE("requests for one name share a look-up", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  auto first = resolver.resolve("localhost", 1);
  auto second = resolver.resolve("localhost", 2);
  CHECK(resolver.pending() == 1);
  CHECK(has_loopback(finish(loop, std::move(second)), 2));
  CHECK(has_loopback(finish(loop, std::move(first)), 1));
  CHECK(resolver.lookups() == 1);
  CHECK(resolver.pending() == 0);
}

TEST_CASE("a name that does not exist fails, and is remembered", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  CHECK_THROWS_WITH(finish(loop, resolver.resolve(kNoName, 1)), "server DNS lookup failed");
  CHECK_THROWS_AS(finish(loop, resolver.resolve(kNoName, 1)), PgError);
  CHECK(resolver.lookups() <= 1);
  CHECK_THROWS_AS(finish(loop, resolver.resolve(std::string(300, 'x'), 1)), PgError);
  CHECK_THROWS_AS(finish(loop, resolver.resolve("", 1)), PgError);
}

TEST_CASE("who wants to know is told of addresses that an answer lacks", "[resolver]") {
  const Quiet quiet;
  Loop loop;
  Resolver resolver(loop, answer);
  resolver.set_ttl(0, 0);
  std::vector<std::string> told;
  resolver.on_dropped([&](const std::string& host, const std::vector<Address>& left) {
    REQUIRE(left.size() == 1);
    told.push_back(host + " " + left[0].text());
  });
  const auto look_up = [&] {
    finish(loop, sleep_for(loop, kMillisecond));
    return finish(loop, resolver.resolve("db", 5432));
  };
  all_names_are = "127.0.0.1";
  look_up();
  CHECK(look_up()[0].text() == "127.0.0.1:5432");
  CHECK(told.empty());
  // A name that is not found has lost nothing; when it is found again, that counts.
  all_names_are.clear();
  CHECK_THROWS_AS(look_up(), PgError);
  CHECK(told.empty());
  all_names_are = "127.0.0.2";
  look_up();
  CHECK(told == std::vector<std::string>{"db 127.0.0.2:0"});
}

TEST_CASE("known names are looked up again when asked to", "[resolver]") {
  const Quiet quiet;
  Loop loop;
  Resolver resolver(loop, answer);
  resolver.set_ttl(3600 * kSecond, 3600 * kSecond);
  all_names_are = "127.0.0.1";
  finish(loop, resolver.resolve("known", 1));
  all_names_are.clear();
  CHECK_THROWS_AS(finish(loop, resolver.resolve("unknown", 1)), PgError);
  all_names_are = "127.0.0.3";
  resolver.refresh();
  resolver.refresh();  // shares the look-up
  CHECK(resolver.pending() == 1);
  run_until(loop, [&] { return resolver.pending() == 0; });
  CHECK(resolver.lookups() == 3);
  CHECK(finish(loop, resolver.resolve("known", 7))[0].text() == "127.0.0.3:7");
}

TEST_CASE("one who no longer waits does not disturb the others", "[resolver]") {
  Loop loop;
  Resolver resolver(loop);
  TaskScope scope(loop, "test");
  auto leaves = resolver.resolve("localhost", 1, 0, &scope);
  auto stays = resolver.resolve("localhost", 1);
  scope.close();
  CHECK_THROWS_AS(finish(loop, std::move(leaves)), Closed);
  CHECK(has_loopback(finish(loop, std::move(stays)), 1));
}

TEST_CASE("a resolver may go while it looks up", "[resolver]") {
  Loop loop;
  {
    Resolver resolver(loop);
    TaskScope scope(loop, "test");
    auto task = resolver.resolve("localhost", 1, 0, &scope);
    scope.close();
    CHECK_THROWS_AS(finish(loop, std::move(task)), Closed);
  }
  loop.run();
}

TEST_CASE("the cache is bounded", "[resolver]") {
  const Quiet quiet;
  Loop loop;
  Resolver resolver(loop);
  resolver.set_ttl(3600 * kSecond, 3600 * kSecond);
  for (size_t i = 0; i < Resolver::kMostNames + 50; ++i) {
    try {
      finish(loop, resolver.resolve("no..name" + std::to_string(i), 1));
    } catch (const PgError&) {
      continue;
    }
    FAIL("resolved");
  }
  CHECK(resolver.names().size() <= Resolver::kMostNames);
}

}  // namespace remuda::io::resolver_test
