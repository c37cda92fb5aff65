// What PgBouncer is known to do wrong, where no other test shows that we do not; the table in
// test/README.md has the rest.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::defects_test {

TEST_CASE("the name of a Parse that failed is free again") {
  Remuda remuda;
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(parse("s", "SELECT no_such_column") + sync_message());
  CHECK(types_of(client.read_until('Z')) == "EZ");
  client.send(parse("s", "SELECT 5") + bind("", "s") + execute("") + sync_message());
  const auto replies = client.read_until('Z');
  REQUIRE(types_of(replies) == "12DCZ");
  CHECK(first_value(replies[2]) == "5");
}

TEST_CASE("a RELOAD that fails leaves the peers alone") {
  const std::string peers = "[peers]\n1 = host=127.0.0.1 port=6001\n2 = host=127.0.0.1 port=6002\n";
  Remuda remuda(ini_text() + peers);
  REQUIRE(remuda.show("PEERS").size() == 2);
  remuda.write_ini(ini_text("no_such_setting = 1\nlisten_backlog = many"));
  CHECK(pq_error([&] { remuda.reload(); }).sqlstate == "F0000");
  CHECK(remuda.show("PEERS").size() == 2);
  CHECK(remuda.show("PEER_POOLS").size() == 2);
}

TEST_CASE("a replication client takes the place of one idle server, not of all") {
  Remuda remuda(ini_text("default_pool_size = 3"));
  {
    std::vector<Pq> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(remuda.connect());
    for (Pq& client : clients) client.exec("BEGIN");
    for (Pq& client : clients) client.exec("COMMIT");
  }
  REQUIRE(remuda.wait_pool("p0", "sv_idle", 3));
  Address address = remuda.address("p0");
  address.options = "replication=database";
  Pq client(address);
  CHECK(client.value("SELECT 1") == "1");
  CHECK(remuda.pool("p0").at("sv_idle") == "2");
}

TEST_CASE("a database that WAIT_CLOSE has named is paused like any other") {
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  Pq console = remuda.console();
  console.send("RECONNECT p0");
  console.finish();
  console.send("WAIT_CLOSE p0");
  Pq other = remuda.console();
  CHECK(other.exec("SHOW SERVERS p0").size() == 1);
  CHECK(PQisBusy(console.raw()) == 1);
  busy.exec("COMMIT");
  console.finish();
  busy.exec("BEGIN");
  console.send("PAUSE p0");
  CHECK(other.exec("WAIT_CLOSE p0").empty());
  CHECK(PQisBusy(console.raw()) == 1);
  busy.exec("COMMIT");
  const auto results = console.all_results();
  REQUIRE(results.size() == 1);
  CHECK(std::string(PQcmdStatus(results[0].get())) == "PAUSE");
}

TEST_CASE("a waiting console command ends when its client asks") {
  Remuda remuda;
  Pq busy = remuda.connect();
  busy.exec("BEGIN");
  for (const std::string command : {"PAUSE", "PAUSE p0", "WAIT_CLOSE"}) {
    INFO(command);
    Pq console = remuda.console();
    console.exec("RECONNECT");
    console.send(command);
    REQUIRE(remuda.wait_log(command == "PAUSE p0" ? "PAUSE 'p0' command issued"
                                                  : command + " command issued"));
    CHECK(console.cancel());
    CHECK(pq_error([&] { console.finish(); }).sqlstate == "57014");
    CHECK(remuda.connect().value("SELECT 1") == "1");
  }
  CHECK(busy.value("SELECT 2") == "2");
}

}  // namespace remuda::test::defects_test
