#include "route/patroni_watch.h"

#include <optional>

#include "remuda/base/log.h"
#include "support/catch.h"
#include "support/patroni_server.h"
#include "support/temp_dir.h"
#include "unit/io/run_until.h"

#ifdef REMUDA_HAVE_CURL

namespace remuda::route::patroni_watch_test {

using namespace remuda::io;
using test::PatroniServer;

namespace {

constexpr Micros kOften = 1;  // as often as it can be
constexpr Micros kNever = 3600 * kSecond;

std::string cluster(const std::string& member) {
  return R"({"members": [{"name": "a", "host": "h1")" + member + "}]}";
}

// A watch of one server, or more, and what it has told.
struct Scene {
  explicit Scene(Micros interval = kOften) : interval_(interval) {}
  ~Scene() {
    watch.reset();
    scope.close();
    finish(loop, scope.emptied());
  }

  void begin(const std::vector<std::string>& more_urls = {}) {
    PatroniOptions options;
    options.urls = {server.url()};
    options.urls.insert(options.urls.end(), more_urls.begin(), more_urls.end());
    options.timeout = 30 * kSecond;
    const auto note = [this](const std::optional<ClusterView>& view) { told.push_back(view); };
    watch.emplace(loop, scope, limit, options, interval_, note);
  }
  void wait_told(size_t count) {
    run_until(loop, [&] { return told.size() >= count; });
  }
  // Until so many more requests have been answered and looked at.
  void wait_more(size_t count) {
    const size_t wanted = server.requests().size() + count;
    run_until(loop, [&] { return server.requests().size() > wanted; });
  }

  PatroniServer server;
  Loop loop;
  TaskScope scope{loop, "patroni"};
  OffloadLimit limit{loop, 1};
  std::vector<std::optional<ClusterView>> told;
  std::optional<PatroniWatch> watch;

 private:
  const Micros interval_;
};

// The log goes to a file while it lives.
class LogFile {
 public:
  LogFile() {
    log::Options options;
    options.to_stderr = false;
    options.file = dir_.file("log");
    log::configure(options);
  }
  ~LogFile() { log::configure({}); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  size_t count(const std::string& text) const {
    const std::string all = test::read_file(dir_.file("log"));
    size_t found = 0;
    for (size_t at = all.find(text); at != all.npos; at = all.find(text, at + 1)) ++found;
    return found;
  }

 private:
  test::TempDir dir_;
};

}  // namespace

TEST_CASE("the first answer is told, and each that differs", "[patroni]") {
  Scene scene;
  scene.server.answer(cluster(""));
  scene.begin();
  scene.wait_told(1);
  scene.wait_more(1);
  CHECK(scene.told.size() == 1);
  size_t count = 1;
  for (const char* member : {R"(, "role": "leader")", R"(, "role": "leader", "state": "running")",
                             R"(, "lag": 5)", R"(, "tags": {"noloadbalance": 1})"}) {
    scene.server.answer(cluster(member));
    scene.wait_told(++count);
  }
  scene.server.answer(R"({"members": [], "pause": true})");
  scene.wait_told(++count);
  CHECK(scene.told.size() == count);
  REQUIRE(scene.told[1]);
  CHECK(scene.told[1]->members[0].role == HostRole::primary);
  CHECK(scene.told.back()->paused);
}

TEST_CASE("that nobody answers is told once and logged once, and so is the end of that",
          "[patroni]") {
  const LogFile log;
  Scene scene;
  scene.begin();
  scene.wait_told(1);
  CHECK_FALSE(scene.told[0]);
  scene.wait_more(1);
  scene.server.answer(cluster(""));
  scene.wait_told(2);
  CHECK(scene.told[1]);
  scene.wait_more(1);
  scene.server.answer("rubbish");
  scene.wait_told(3);
  CHECK_FALSE(scene.told[2]);
  CHECK(log.count("WARNING Patroni does not answer, so PostgreSQL alone is asked: " +
                  scene.server.url()) == 2);
  CHECK(log.count("LOG Patroni answers again: " + scene.server.url()) == 1);
}

TEST_CASE("it asks soon when told to", "[patroni]") {
  Scene scene(kNever);
  scene.server.answer(cluster(""));
  scene.begin();
  scene.wait_told(1);
  scene.watch->ask_soon();
  scene.server.answer(cluster(R"(, "role": "leader")"));
  scene.wait_told(2);
  // In the long rest that follows, too.
  scene.server.answer(cluster(R"(, "role": "replica")"));
  Timer later(scene.loop);
  later.start(kSecond / 5, [&scene] { scene.watch->ask_soon(); });
  scene.wait_told(3);
  CHECK(scene.server.requests().size() == 3);
}

TEST_CASE("it asks elsewhere when what it tells cannot be", "[patroni]") {
  Scene scene(kNever);
  PatroniServer other;
  scene.server.answer(cluster(""));
  other.answer(cluster(R"(, "role": "leader")"));
  scene.begin({other.url()});
  scene.wait_told(1);
  scene.watch->ask_elsewhere();
  scene.wait_told(2);
  CHECK(scene.told[1]->members[0].role == HostRole::primary);
  CHECK(scene.server.connections() == 1);
}

TEST_CASE("a watch that is gone tells nothing, even with a request under way", "[patroni]") {
  Scene scene;
  scene.server.answer_and_hang("");
  scene.begin();
  run_until(scene.loop, [&] { return !scene.server.requests().empty(); });
  scene.watch.reset();
  finish(scene.loop, scene.scope.emptied());
  CHECK(scene.told.empty());
}

TEST_CASE("a watch may end in what it tells", "[patroni]") {
  Scene scene;
  scene.server.answer(cluster(""));
  PatroniOptions options;
  options.urls = {scene.server.url()};
  int told = 0;
  const auto end = [&](const std::optional<ClusterView>& view) {
    scene.watch.reset();
    told += view->members.size() == 1;
  };
  scene.watch.emplace(scene.loop, scene.scope, scene.limit, options, kOften, end);
  finish(scene.loop, scene.scope.emptied());
  CHECK(told == 1);
}

TEST_CASE("a scope that closes ends it, at rest as well", "[patroni]") {
  const LogFile log;
  Scene scene(kNever);
  scene.begin();
  scene.wait_told(1);
  scene.scope.close();
  finish(scene.loop, scene.scope.emptied());
  scene.watch->ask_soon();
  CHECK(scene.told.size() == 1);
}

}  // namespace remuda::route::patroni_watch_test

#endif
