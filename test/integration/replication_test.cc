// Replication connections: a server of the client's own, for as long as it stays.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"

namespace remuda::test::replication_test {
namespace {

// What libpq is asked for beside the address.
Address replicating(const Remuda& remuda, const std::string& kind,
                    const std::string& user = "postgres") {
  Address address = remuda.address("p0", user);
  address.options = "replication=" + kind + " application_name=abc options='-c enable_seqscan=off'";
  return address;
}

}  // namespace

TEST_CASE("a logical replication client has its own server, with its own start-up parameters") {
  Remuda remuda;
  {
    Pq client(replicating(remuda, "database"));
    CHECK(client.value("SHOW application_name") == "abc");
    CHECK(client.value("SHOW enable_seqscan") == "off");
    CHECK(client.exec("IDENTIFY_SYSTEM").size() == 1);
    CHECK(remuda.pool("p0").at("sv_active") == "1");
    CHECK(remuda.show("CLIENTS p0").at(0).at("replication") == "logical");
    CHECK(remuda.show("SERVERS p0").at(0).at("replication") == "logical");
    const std::string pid = client.value("SELECT pg_backend_pid()");
    Pq other = remuda.connect();
    CHECK(other.value("SELECT pg_backend_pid()") != pid);
    CHECK(other.value("SHOW enable_seqscan") == "on");
  }
  REQUIRE(remuda.wait_pool("p0", "sv_active", 0));
  CHECK(remuda.pool("p0").at("sv_idle") == "1");
  CHECK(remuda.log().find("replication client was closed") != std::string::npos);
}

TEST_CASE("a full pool makes room for a replication client by an idle server") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  Pq ordinary = remuda.connect();
  ordinary.exec("SELECT 1");
  REQUIRE(remuda.wait_pool("p0", "sv_idle", 1));
  Pq client(replicating(remuda, "database"));
  CHECK(client.value("SELECT 1") == "1");
  CHECK(remuda.log().find("closing because: evicted") != std::string::npos);
}

TEST_CASE("what the server refuses is in the log, the client reads that its login failed") {
  Remuda remuda;
  const Address address = replicating(remuda, "database", "trust_user");
  try {
    const Pq client(address);
    FAIL("a user without the right to replicate got in");
  } catch (const PqError& error) {
    CHECK(std::string(error.what()).find("login failed") != std::string::npos);
  }
  CHECK(remuda.log().find("closing because: login failed (age") != std::string::npos);
}

}  // namespace remuda::test::replication_test
