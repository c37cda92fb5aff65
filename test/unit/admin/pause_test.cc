// PAUSE and its like against a real worker whose pool has a server login in progress: the server
// accepts the connection and then says nothing.
#include <sys/socket.h>

#include "unit/admin/fake_control.h"

using namespace remuda;
using namespace remuda::admin;

namespace {

// Listens, and never answers.
class SilentServer {
 public:
  SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&in);
    socklen_t size = sizeof in;
    REQUIRE(::bind(fd_.get(), raw, size) == 0);
    REQUIRE(::listen(fd_.get(), 8) == 0);
    REQUIRE(::getsockname(fd_.get(), raw, &size) == 0);
    port_ = ntohs(in.sin_port);
  }
  int port() const { return port_; }
  // Connections in progress are reset.
  void close() { fd_.close(); }

 private:
  io::FileDescriptor fd_;
  int port_ = 0;
};

config::Config config_for(const SilentServer& server) {
  config::Config config;
  config::Database& shop = config.databases["shop"];
  shop.name = shop.dbname = "shop";
  shop.hosts = {"127.0.0.1"};
  shop.port = server.port();
  return config;
}

// A client on its way in: it waits for its pool's first server.
class Waiting {
 public:
  explicit Waiting(FakeControl& control) {
    io::SocketPair pair = io::unix_pair();
    proxy::Admission admission;
    admission.parcel.fd = std::move(pair.ours);
    admission.parcel.is_unix = true;
    admission.database = "shop";
    admission.user = admission.pool_user = "ann";
    admission.places.database = control.shared().ledgers.database("shop");
    admission.places.user = control.shared().ledgers.user("ann");
    admission.id = 77;
    admission.login_started = monotonic_now();
    socket_ = std::move(pair.theirs);
    proxy::Worker& worker = *control.shared().workers[0];
    worker.post([&worker, admission = std::move(admission)]() mutable {
      worker.admit(std::move(admission));
    });
  }

 private:
  io::FileDescriptor socket_;
};

int dials(FakeControl& control) {
  return control.on_worker(0, [](proxy::Worker& worker) {
    const auto* pool = worker.find_shard("shop", "ann");
    return pool ? pool->dials() : 0;
  });
}

void wait_for_dial(FakeControl& control) {
  const Micros limit = monotonic_now() + io::kTestLimit;
  while (dials(control) == 0 && monotonic_now() < limit) {
  }
  REQUIRE(dials(control) == 1);
}

struct Scene {
  SilentServer server;
  FakeControl control{config_for(server), 1};
  ConsoleClient admin{control};
  ConsoleClient other{control};
  Waiting client{control};

  Scene() { wait_for_dial(control); }
};

using Rows = std::vector<std::vector<std::string>>;

std::string tag_of(const std::string& bytes) {
  const auto replies = split(bytes);
  return replies.size() == 2 ? replies[0].body.c_str() : "not just a tag";
}

}  // namespace

TEST_CASE("PAUSE answers when the last server login has ended", "[pause]") {
  Scene scene;
  scene.admin.type("PAUSE");
  // Others are served meanwhile, and see it.
  CHECK(scene.other.rows("SHOW STATE")[1][1] == "yes");
  CHECK(scene.other.error("PAUSE") == "SERROR|C08P01|Malready suspended/paused|");
  CHECK_FALSE(scene.admin.poll());
  scene.server.close();
  CHECK(tag_of(scene.admin.receive()) == "PAUSE");
  CHECK(scene.control.shared().ledgers.paused());
  CHECK(dials(scene.control) == 0);
}

TEST_CASE("PAUSE of another database does not wait", "[pause]") {
  SilentServer server;
  config::Config config = config_for(server);
  config.databases["mail"].name = "mail";
  FakeControl control(config, 1);
  ConsoleClient admin(control);
  Waiting client(control);
  wait_for_dial(control);
  CHECK(admin.tag("PAUSE mail") == "PAUSE");
  CHECK_FALSE(control.shared().ledgers.paused());
  CHECK(dials(control) == 1);
}

TEST_CASE("RESUME ends a PAUSE that still waits", "[pause]") {
  for (const char* name : {"", " shop"}) {
    CAPTURE(name);
    Scene scene;
    scene.admin.type(std::string("PAUSE") + name);
    CHECK(scene.other.rows("SHOW POOLS").size() == 2);
    CHECK_FALSE(scene.admin.poll());
    CHECK(scene.other.tag(std::string("RESUME") + name) == "RESUME");
    CHECK(tag_of(scene.admin.receive()) == "PAUSE");
    CHECK(dials(scene.control) == 1);
  }
}

TEST_CASE("a cancel request with the console's key ends its PAUSE", "[pause]") {
  Scene scene;
  const size_t key_at = scene.admin.greeting.find(std::string("K\0\0\0\x0c", 5)) + 5;
  proxy::CancelKey key;
  key.pid = load_u32(scene.admin.greeting.data() + key_at);
  key.secret = load_u32(scene.admin.greeting.data() + key_at + 4);
  scene.admin.type("PAUSE");
  CHECK(scene.other.rows("SHOW STATE")[1][1] == "yes");
  proxy::CancelKey wrong = key;
  ++wrong.secret;
  scene.control.consoles().cancel(wrong);
  CHECK(scene.control.shared().ledgers.paused());
  scene.control.consoles().cancel(key);
  CHECK(tag_of(scene.admin.receive()) == "PAUSE");
  CHECK_FALSE(scene.control.shared().ledgers.paused());
}

TEST_CASE("a console that leaves while it waits is forgotten, the pause stays", "[pause]") {
  Scene scene;
  scene.admin.type("PAUSE");
  CHECK(scene.other.rows("SHOW STATE")[1][1] == "yes");
  scene.admin.leave();
  io::run_until(scene.control.loop(), [&] { return scene.control.consoles().size() == 1; });
  CHECK(scene.control.shared().ledgers.paused());
}

TEST_CASE("the end of the control loop's tasks ends a PAUSE", "[pause]") {
  Scene scene;
  scene.admin.type("PAUSE");
  CHECK(scene.other.rows("SHOW STATE")[1][1] == "yes");
  scene.control.tasks().close();
  CHECK(scene.admin.ended());
}

TEST_CASE("a pool that opens a server is shown so", "[show]") {
  Scene scene;
  CHECK(scene.admin.rows("SHOW POOLS") ==
        Rows{{"pgbouncer", "pgbouncer", "2", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0",
              "0", "statement", "NULL"},
             {"shop", "ann", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "1", "0", "0",
              "session", "NULL"}});
  const Rows databases = scene.admin.rows("SHOW DATABASES");
  REQUIRE(databases.size() == 2);
  CHECK(databases[1][12] == "1");  // the login has its slot
  CHECK(scene.admin.rows("SHOW WAITS").size() == proxy::kWaitReasons);
  const Rows stats = scene.admin.rows("SHOW STATS");
  REQUIRE(stats.size() == 2);
  CHECK(stats[1][0] == "shop");
  CHECK(scene.admin.rows("SHOW LISTS")[3] == std::vector<std::string>{"pools", "2"});
  CHECK(scene.admin.rows("SHOW LISTS")[9] == std::vector<std::string>{"used_servers", "1"});
}

TEST_CASE("KILL without a name pauses the databases that have a pool", "[pause]") {
  Scene scene;
  CHECK(scene.admin.tag("KILL") == "KILL");
  CHECK(scene.control.shared().ledgers.database("shop")->paused);
  CHECK_FALSE(scene.control.shared().ledgers.paused());
}
