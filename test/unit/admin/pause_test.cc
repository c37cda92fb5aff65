// PAUSE and its like against a real worker whose pool has a server login in progress: the server
// accepts the connection and then says nothing.
#include "support/listening_socket.h"
#include "unit/admin/fake_control.h"

namespace remuda::admin::pause_test {
namespace {

config::Config config_for(const test::ListeningSocket& server) {
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
  test::ListeningSocket server;
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

std::string error_of(const std::string& bytes) {
  const auto replies = split(bytes);
  return replies.size() == 2 && replies[0].type == 'E' ? fields_of(replies[0]) : "not an error";
}

const std::string kCancelled = "SERROR|C57014|Mcanceling statement due to user request|";

// As its greeting told it.
proxy::CancelKey key_of(const ConsoleClient& client) {
  const size_t at = client.greeting.find(std::string("K\0\0\0\x0c", 5)) + 5;
  proxy::CancelKey key;
  key.pid = load_u32(client.greeting.data() + at);
  key.secret = load_u32(client.greeting.data() + at + 4);
  return key;
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
  test::ListeningSocket server;
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
    CHECK(error_of(scene.admin.receive()) == "SERROR|C57014|MPAUSE was ended by RESUME|");
    CHECK(dials(scene.control) == 1);
  }
}

TEST_CASE("a cancel request with the console's key ends its PAUSE", "[pause]") {
  for (const char* name : {"", " shop"}) {
    CAPTURE(name);
    Scene scene;
    proxy::CancelKey key = key_of(scene.admin);
    scene.admin.type(std::string("PAUSE") + name);
    CHECK(scene.other.rows("SHOW POOLS").size() == 2);
    const auto shop = scene.control.shared().ledgers.database("shop");
    ++key.secret;
    scene.control.consoles().cancel(key);
    scene.control.consoles().cancel(key_of(scene.other));
    CHECK((scene.control.shared().ledgers.paused() || shop->paused));
    CHECK_FALSE(scene.admin.poll());
    --key.secret;
    scene.control.consoles().cancel(key);
    CHECK(error_of(scene.admin.receive()) == kCancelled);
    CHECK_FALSE(scene.control.shared().ledgers.paused());
    CHECK_FALSE(shop->paused);
    CHECK(dials(scene.control) == 1);
  }
}

TEST_CASE("a cancel request ends WAIT_CLOSE, and nothing that comes after it", "[pause]") {
  Scene scene;
  const auto ledger = scene.control.shared().ledgers.pool("shop", "ann");
  ledger->travelling = 1;  // an old server that does not arrive
  for (const char* text : {"WAIT_CLOSE", "WAIT_CLOSE shop"}) {
    CAPTURE(text);
    scene.admin.type(text);
    CHECK(scene.other.rows("SHOW STATE").size() == 3);
    CHECK_FALSE(scene.admin.poll());
    scene.control.consoles().cancel(key_of(scene.admin));
    CHECK(error_of(scene.admin.receive()) == kCancelled);
  }
  scene.control.consoles().cancel(key_of(scene.admin));
  scene.admin.type("WAIT_CLOSE");
  CHECK(scene.other.rows("SHOW STATE").size() == 3);
  CHECK_FALSE(scene.admin.poll());
  ledger->travelling = 0;
  CHECK(tag_of(scene.admin.receive()) == "WAIT_CLOSE");
}

TEST_CASE("a PAUSE after WAIT_CLOSE waits and answers as any other", "[pause]") {
  Scene scene;
  CHECK(scene.admin.tag("WAIT_CLOSE shop") == "WAIT_CLOSE");
  scene.admin.type("PAUSE shop");
  CHECK(scene.other.tag("WAIT_CLOSE shop") == "WAIT_CLOSE");
  CHECK_FALSE(scene.admin.poll());
  scene.server.close();
  CHECK(tag_of(scene.admin.receive()) == "PAUSE");
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

TEST_CASE("a server that is opened and the client that waits for it are shown", "[show]") {
  Scene scene;
  const Rows pools = scene.admin.rows("SHOW POOLS");
  REQUIRE(pools.size() == 2);
  CHECK(pools[0] == std::vector<std::string>{"pgbouncer", "pgbouncer", "2", "0", "0", "0", "0", "0",
                                             "0", "0", "0", "0", "0", "0", "0", "statement",
                                             "NULL"});
  CHECK(std::stol(pools[1][13]) * kSecond + std::stol(pools[1][14]) > 0);
  std::vector<std::string> shop = pools[1];
  shop[13] = shop[14] = "waited";
  CHECK(shop == std::vector<std::string>{"shop", "ann", "0", "1", "0", "0", "0", "0", "0", "0", "0",
                                         "0", "1", "waited", "waited", "session", "NULL"});
  const Rows clients = scene.admin.rows("SHOW CLIENTS shop");
  REQUIRE(clients.size() == 1);
  CHECK(clients[0][0] + clients[0][1] + clients[0][2] == "Cannshop");
  CHECK(clients[0][4] == "waiting");
  CHECK(clients[0][20] == "77");
  const Rows servers = scene.admin.rows("SHOW SERVERS");
  REQUIRE(servers.size() == 1);
  CHECK(servers[0][0] + servers[0][1] + servers[0][2] == "Sannshop");
  CHECK(servers[0][4] == "new");
  CHECK(servers[0][5] == "127.0.0.1");
  CHECK(servers[0][6] == std::to_string(scene.server.port()));
  const Rows sockets = scene.admin.rows("SHOW SOCKETS shop");
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0][4] + " " + sockets[1][4] == "sv_login cl_waiting");
  const Rows databases = scene.admin.rows("SHOW DATABASES");
  REQUIRE(databases.size() == 2);
  CHECK(databases[1][12] == "1");  // the login has its slot
  CHECK(scene.admin.rows("SHOW WAITS").size() == proxy::kWaitReasons);
  const Rows stats = scene.admin.rows("SHOW STATS");
  REQUIRE(stats.size() == 2);
  CHECK(stats[1][0] == "shop");
  const Rows lists = scene.admin.rows("SHOW LISTS");
  CHECK(lists[3] == std::vector<std::string>{"pools", "2"});
  CHECK(lists[6] == std::vector<std::string>{"used_clients", "3"});
  CHECK(lists[9] == std::vector<std::string>{"used_servers", "1"});
}

TEST_CASE("who waits for a first server can be killed, alone or with the database", "[pause]") {
  for (const char* text : {"KILL_CLIENT 77", "KILL shop"}) {
    CAPTURE(text);
    Scene scene;
    CHECK(scene.admin.rows("SHOW CLIENTS shop").size() == 1);
    CHECK(scene.admin.tag(text) == std::string(text).substr(0, std::string(text).find(' ')));
    CHECK(scene.admin.rows("SHOW CLIENTS shop").empty());
    CHECK(scene.admin.error("KILL_CLIENT 77") == "SERROR|C08P01|Mclient not found|");
  }
}

TEST_CASE("KILL without a name pauses the databases that have a pool", "[pause]") {
  Scene scene;
  CHECK(scene.admin.tag("KILL") == "KILL");
  CHECK(scene.control.shared().ledgers.database("shop")->paused);
  CHECK_FALSE(scene.control.shared().ledgers.paused());
}

}  // namespace remuda::admin::pause_test
