// Mixed load for as long as one likes: visitors who ask, cancel and vanish, an operator who pauses,
// reloads, kills and restarts. Everyone knows what may go wrong and when; all else is a failure.
// test/README.md says how to run it.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>

#include "soak/operator.h"
#include "soak/rest.h"
#include "soak/visitor.h"
#include "support/catch.h"
#include "support/threads.h"

using namespace remuda::soak;
using namespace remuda::test;

namespace {

long from_environment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

// The server keeps what it has committed, also when it is stopped at once.
void prepare(const PostgresServer& server) {
  server.exec("ALTER SYSTEM SET synchronous_commit = on", "postgres");
  server.exec("ALTER SYSTEM SET autovacuum = on", "postgres");
  server.exec("ALTER SYSTEM SET autovacuum_naptime = '5s'", "postgres");
  server.exec("SELECT pg_reload_conf()", "postgres");
  server.exec("CREATE ROLE asked LOGIN PASSWORD 'asked-secret'", "postgres");
  Transfers::create(server);
}

class Soak {
 public:
  Soak()
      : seconds_(from_environment("REMUDA_SOAK_SECONDS", 5)),
        visitors_(static_cast<int>(from_environment("REMUDA_SOAK_CLIENTS", 42))),
        seed_(static_cast<unsigned>(from_environment("REMUDA_SEED", 1))) {
    prepare(server_);
  }

  void run() {
    std::printf("soak: %ld s, %d clients, seed %u\n", seconds_, visitors_, seed_);
    began_ = Clock::now();
    const auto end = began_ + seconds(seconds_);
    while (world_.failures.none() && Clock::now() < end) {
      ++rounds_;
      play_round(std::min(end, Clock::now() + round_length()));
      rest();
    }
    if (judges_memory()) add_all(holdings_.growth());
  }

  void finish() {
    remuda_.signal(SIGTERM);
    const auto code = remuda_.wait_exit();
    if (code != 0) world_.failures.add("remuda did not end with code 0 at SIGTERM");
    const auto texts = world_.failures.texts();
    for (const auto& text : texts) std::printf("failure: %s\n", text.c_str());
    std::printf("soak: seed %u, %d rounds, %s, %zu failures\n", seed_, rounds_, counts().c_str(),
                texts.size());
  }

  const World& world() const { return world_; }

 private:
  seconds round_length() const { return seconds(std::clamp<long>(seconds_ / 8, 5, 60)); }
  // The thread sanitizer's own memory grows with what it has seen.
  static bool judges_memory() { return from_environment("REMUDA_SOAK_MEMORY", 1) != 0; }

  void play_round(Clock::time_point end) {
    world_.is_over = false;
    auto crowd = std::async(std::launch::async, [this] {
      return failures_of(visitors_, [this](int number) {
        be_visitor(world_, number, seed_ + static_cast<unsigned>(rounds_) * 1000);
      });
    });
    operate(end);
    world_.is_over = true;
    if (!world_.failures.none()) tell_state();
    if (crowd.wait_for(seconds(90)) != std::future_status::ready) {
      world_.failures.add("visitors hang");
      tell_state();
      remuda_.signal(SIGABRT);
    }
    for (const auto& text : crowd.get()) world_.failures.add(text);
  }

  // Half of a round is calm: only the workload's own errors are explained then.
  void operate(Clock::time_point end) {
    const auto begin = Clock::now();
    const auto calm_until = begin + (end - begin) / 2;
    while (world_.failures.none() && Clock::now() < end) {
      if (!remuda_.running()) return world_.failures.add("remuda has ended by itself");
      try {
        Clock::now() < calm_until ? operator_.act_quietly() : operator_.disturb();
      } catch (const std::exception& error) {
        world_.failures.add(std::string("operator, ") + operator_.doing() + ": " + error.what());
      }
      report_now_and_then();
      std::this_thread::sleep_for(milliseconds(100));
    }
  }

  // Nobody is there: everything must be back where it began.
  void rest() {
    if (!remuda_.running()) return world_.failures.add("remuda has ended by itself");
    try {
      add_all(check_rest(remuda_, server_));
      add_all(world_.transfers.check_and_clear(server_));
      holdings_.measure(remuda_);
    } catch (const std::exception& error) {
      world_.failures.add(std::string("at rest: ") + error.what());
    }
    if (!world_.failures.none()) tell_state();
    report();
  }

  void add_all(const std::vector<std::string>& complaints) {
    for (const auto& text : complaints) world_.failures.add(text);
  }

  std::string counts() const {
    const Counts& c = world_.counts;
    return std::to_string(c.connections) + " connections, " + std::to_string(c.answers) +
           " answers, " + std::to_string(c.transactions) + " transactions, " +
           std::to_string(c.cancelled) + " cancelled, " + std::to_string(c.vanished) +
           " vanished, " + std::to_string(c.disturbed) + " disturbed";
  }

  void report_now_and_then() {
    if (Clock::now() - reported_ > seconds(10)) report();
  }

  void report() {
    reported_ = Clock::now();
    if (!remuda_.running()) return;
    const auto passed = std::chrono::duration_cast<seconds>(reported_ - began_);
    std::printf("%5llds round %d: %s; %ld kB, %d descriptors%s\n",
                static_cast<long long>(passed.count()), rounds_, counts().c_str(),
                remuda_.resident(), descriptors(remuda_), world_.is_over ? ", at rest" : "");
    std::fflush(stdout);
  }

  // For whoever reads the failure.
  void tell_state() {
    std::printf("operator: %s\n", operator_.doing());
    for (const char* table : {"POOLS", "WAITS", "WORKERS", "CLIENTS", "SERVERS"}) {
      std::printf("SHOW %s\n", table);
      try {
        for (const Record& record : remuda_.show(table)) tell(record);
      } catch (const std::exception& error) {
        std::printf("  %s\n", error.what());
      }
    }
    std::fflush(stdout);
  }

  static void tell(const Record& record) {
    for (const auto& [column, value] : record) {
      if (value != "0" && !value.empty()) std::printf(" %s=%s", column.c_str(), value.c_str());
    }
    std::printf("\n");
  }

  const long seconds_;
  const int visitors_;
  const unsigned seed_;
  int rounds_ = 0;
  Clock::time_point began_ = Clock::now();
  Clock::time_point reported_ = began_;
  PostgresServer& server_ = postgres_with_tls();
  Setup setup_;
  Remuda remuda_{setup_.ini(), setup_.users()};
  World world_{remuda_};
  Operator operator_{world_, remuda_, server_, setup_, seed_};
  Holdings holdings_;
};

}  // namespace

TEST_CASE("a mixed load over time loses no answer, no counter and no memory") {
  Soak soak;
  soak.run();
  soak.finish();
  CHECK(soak.world().failures.texts() == std::vector<std::string>());
  CHECK(soak.world().counts.transactions > 0);
}
