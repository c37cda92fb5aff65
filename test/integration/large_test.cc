// Messages far larger than any buffer: they stream through in constant memory.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::large_test {
namespace {

constexpr long kMegabyte = 1024 * 1024;
constexpr long kSize = 64 * kMegabyte;

// What remuda may grow by, in kB. Sanitizers keep freed memory back, so there it only has to work.
long allowed_growth() {
  return remuda_sanitizers().empty() ? 4L * 1024 : 1000L * 1024;
}

// Resident size once everything that is used anyway has been touched.
long warmed_up(const Remuda& remuda) {
  remuda.connect().value("SELECT repeat('x', 1000000)");
  return remuda.resident();
}

}  // namespace

TEST_CASE("one row of 64 MB") {
  Remuda remuda;
  const long before = warmed_up(remuda);
  Pq client = remuda.connect();
  CHECK(client.value("SELECT repeat('x', " + std::to_string(kSize) + ")").size() == kSize);
  CHECK(remuda.resident() - before < allowed_growth());
}

TEST_CASE("64 MB in small rows") {
  Remuda remuda;
  const long before = warmed_up(remuda);
  Pq client = remuda.connect();
  client.send("SELECT repeat('x', 1000) FROM generate_series(1, 65000)");
  PQsetSingleRowMode(client.raw());
  long bytes = 0;
  for (Result row = client.next_result(); row; row = client.next_result()) {
    check_result(row.get());
    if (PQntuples(row.get()) == 1) bytes += PQgetlength(row.get(), 0, 0);
  }
  CHECK(bytes == 65000L * 1000);
  CHECK(remuda.resident() - before < allowed_growth());
}

TEST_CASE("a query text and a parameter of 16 MB") {
  Remuda remuda;
  const long before = warmed_up(remuda);
  Pq client = remuda.connect();
  const std::string big(16 * kMegabyte, 'y');
  const std::string length = std::to_string(big.size());
  CHECK(client.value("SELECT length('" + big + "')") == length);
  CHECK(client.exec_params("SELECT length($1)", {big}) == Rows{{length}});
  CHECK(client.exec_params("SELECT $1::text", {big}).at(0).at(0) == big);
  CHECK(remuda.resident() - before < allowed_growth());
}

TEST_CASE("64 MB by COPY in") {
  postgres().exec("DROP TABLE IF EXISTS heap; CREATE UNLOGGED TABLE heap (x text)");
  Remuda remuda;
  const long before = warmed_up(remuda);
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("COPY heap FROM STDIN"));
  client.expect('G');
  std::string chunk;
  for (int i = 0; i < 1000; ++i) chunk += packet('d', std::string(1023, 'z') + "\n");
  for (int i = 0; i < 64; ++i) client.send(chunk);
  client.send(packet('c'));
  client.read_until('Z');
  CHECK(client.value("SELECT count(*) FROM heap") == "64000");
  CHECK(remuda.resident() - before < allowed_growth());
  postgres().exec("DROP TABLE heap");
}

TEST_CASE("C3.26 a client that does not read holds up its server, not our memory or anyone else") {
  Remuda remuda;
  const long before = warmed_up(remuda);
  RawClient slow(remuda.port(), "postgres", "p0");
  slow.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 65000)"));
  // The server is stuck once it waits to send to us.
  REQUIRE(eventually([] {
    return postgres().value(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite'") == "1";
  }));
  CHECK(remuda.resident() - before < allowed_growth());
  CHECK(remuda.connect().value("SELECT 1") == "1");
  long rows = 0;
  for (Message message = slow.read(); message.type != 'Z'; message = slow.read())
    rows += message.type == 'D';
  CHECK(rows == 65000);
}

TEST_CASE("C3.26 both directions full at once do not lock up") {
  Remuda remuda;
  RawClient client(remuda.port(), "postgres", "p0");
  // Answers larger than the requests: the server fills its side long before we start reading.
  constexpr int kBatches = 4000;
  const std::string batch =
      parse("", "SELECT repeat('x', 10000), '" + std::string(2000, 'q') + "'") + bind("", "") +
      execute("") + sync_message();
  const auto failures = failures_of(2, [&](int side) {
    for (int i = 0; i < kBatches; ++i) {
      if (side == 0)
        client.send(batch);
      else if (types_of(client.read_until('Z')) != "12DCZ")
        throw std::runtime_error("a wrong answer");
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("C3.25 a client that leaves in the middle of a large row") {
  Remuda remuda(ini_text("default_pool_size = 1"));
  const long before = warmed_up(remuda);
  for (int i = 0; i < 10; ++i) {
    RawClient client(remuda.port(), "postgres", "p0");
    client.send(query("SELECT repeat('x', 20000000)"));
    client.read_bytes(100000);
    client.reset();
  }
  CHECK(remuda.connect().value("SELECT 1") == "1");
  CHECK(remuda.resident() - before < allowed_growth());
}

}  // namespace remuda::test::large_test
