#include "proxy/pool_facts.h"

#include <thread>
#include <vector>

#include "remuda/wire/crypto.h"
#include "support/catch.h"

namespace remuda::proxy::pool_facts_test {
namespace {

ServerParameters version(const char* text) {
  return {{"server_version", text}};
}

pg::ProvenKeys keys_of(char c) {
  pg::ProvenKeys keys;
  keys.salt = std::string(16, c);
  return keys;
}

}  // namespace

TEST_CASE("the first greeting under an epoch is kept") {
  PoolFacts facts;
  CHECK_FALSE(facts.greeting(0));
  facts.set_greeting(0, version("14"));
  facts.set_greeting(0, version("15"));
  REQUIRE(facts.greeting(0));
  CHECK(*facts.greeting(0) == version("14"));
  CHECK_FALSE(facts.greeting(1));
}

TEST_CASE("a later epoch has a greeting of its own") {
  PoolFacts facts;
  facts.set_greeting(0, version("14"));
  facts.set_greeting(1, version("15"));
  REQUIRE(facts.greeting(1));
  CHECK(*facts.greeting(1) == version("15"));
  CHECK_FALSE(facts.greeting(0));
}

TEST_CASE("a server of before the reconnect that comes late does not displace the greeting", "") {
  PoolFacts facts;
  facts.set_greeting(1, version("15"));
  facts.set_greeting(0, version("14"));
  REQUIRE(facts.greeting(1));
  CHECK(*facts.greeting(1) == version("15"));
}

TEST_CASE("a forgotten greeting stays with those who have it") {
  PoolFacts facts;
  facts.set_greeting(3, version("14"));
  const auto held = facts.greeting(3);
  facts.forget_greeting();
  CHECK_FALSE(facts.greeting(3));
  CHECK(*held == version("14"));
  facts.set_greeting(3, version("15"));
  CHECK(*facts.greeting(3) == version("15"));
}

TEST_CASE("what a login brings is kept until another brings something") {
  PoolFacts facts;
  CHECK_FALSE(facts.proven_keys());
  CHECK(facts.learned_secret().empty());
  facts.learn(keys_of('a'), "");
  facts.learn(std::nullopt, "secret");
  facts.learn(std::nullopt, "");
  REQUIRE(facts.proven_keys());
  CHECK(facts.proven_keys()->salt == keys_of('a').salt);
  CHECK(facts.learned_secret() == "secret");
  facts.learn(keys_of('b'), "other");
  CHECK(facts.proven_keys()->salt == keys_of('b').salt);
  CHECK(facts.learned_secret() == "other");
}

TEST_CASE("a failure is remembered until a server opens, and counts from the last attempt") {
  PoolFacts facts;
  CHECK(facts.failed_at() == 0);
  facts.set_attempt(5);
  CHECK(facts.failed_at() == 0);
  facts.set_failure({SqlState("28P01"), "wrong password"}, 10);
  CHECK(facts.failed_at() == 10);
  facts.set_attempt(20);
  CHECK(facts.failed_at() == 20);
  CHECK(facts.failure().message == "wrong password");
  CHECK(facts.failure().sqlstate == SqlState("28P01"));
  facts.clear_failure();
  CHECK(facts.failed_at() == 0);
}

TEST_CASE("many workers learn and ask at once") {
  PoolFacts facts;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string own(20, static_cast<char>('a' + i));
      for (uint32_t round = 0; round < 2000; ++round) {
        facts.learn(keys_of(own[0]), own);
        std::string secret = facts.learned_secret();
        if (secret != std::string(20, secret[0])) ++wrong;
        wire::wipe(secret);
        facts.set_greeting(round, {{"server_version", own}});
        const auto greeting = facts.greeting(round);
        if (greeting && greeting->size() != 1) ++wrong;
        facts.set_failure({SqlState("08006"), own}, round + 1);
        const DialFailure failure = facts.failure();
        if (failure.message != std::string(20, failure.message[0])) ++wrong;
        facts.set_attempt(round + 2);
        facts.clear_failure();
        if (round % 7 == 0) facts.forget_greeting();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace remuda::proxy::pool_facts_test
