// Several requests in flight at once.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::pipeline_test {
namespace {

std::string single() {
  return ini_text("default_pool_size = 1");
}

void send_value(Pq& client, const std::string& sql) {
  if (!PQsendQueryParams(client.raw(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0))
    throw PqError("", PQerrorMessage(client.raw()));
}

// One query's result in pipeline mode, its null read as well.
Result take(Pq& client) {
  Result result = client.next_result();
  if (PQresultStatus(result.get()) != PGRES_PIPELINE_SYNC) client.next_result();
  return result;
}

std::string take_value(Pq& client) {
  const Result result = take(client);
  check_result(result.get());
  return rows_of(result.get()).at(0).at(0).value_or("(null)");
}

ExecStatusType take_status(Pq& client) {
  return PQresultStatus(take(client).get());
}

Pq pipelined(const Remuda& remuda) {
  Pq client = remuda.connect();
  if (!PQenterPipelineMode(client.raw())) throw std::runtime_error("no pipeline mode");
  return client;
}

}  // namespace

TEST_CASE("a long pipeline is answered in order") {
  Remuda remuda(single());
  Pq client = pipelined(remuda);
  for (int i = 0; i < 500; ++i) send_value(client, "SELECT " + std::to_string(i));
  PQpipelineSync(client.raw());
  for (int i = 0; i < 500; ++i) REQUIRE(take_value(client) == std::to_string(i));
  CHECK(take_status(client) == PGRES_PIPELINE_SYNC);
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("C1.3 an error skips the rest of its batch and nothing else") {
  Remuda remuda(single());
  Pq client = pipelined(remuda);
  for (const char* sql : {"SELECT 1", "SELECT 1/0", "SELECT 3", "SELECT 4"})
    send_value(client, sql);
  PQpipelineSync(client.raw());
  send_value(client, "SELECT 5");
  PQpipelineSync(client.raw());

  CHECK(take_value(client) == "1");
  CHECK(sqlstate_of(take(client).get()) == "22012");
  CHECK(take_status(client) == PGRES_PIPELINE_ABORTED);
  CHECK(take_status(client) == PGRES_PIPELINE_ABORTED);
  CHECK(take_status(client) == PGRES_PIPELINE_SYNC);
  CHECK(take_value(client) == "5");
  CHECK(take_status(client) == PGRES_PIPELINE_SYNC);
}

TEST_CASE("several batches in flight stay on one server and are all answered") {
  Remuda remuda(single());
  Pq client = pipelined(remuda);
  for (int batch = 0; batch < 50; ++batch) {
    send_value(client, "SELECT pg_backend_pid()");
    PQpipelineSync(client.raw());
  }
  const std::string pid = take_value(client);
  CHECK(take_status(client) == PGRES_PIPELINE_SYNC);
  for (int batch = 1; batch < 50; ++batch) {
    REQUIRE(take_value(client) == pid);
    REQUIRE(take_status(client) == PGRES_PIPELINE_SYNC);
  }
}

TEST_CASE("pipelines of many clients over few servers do not mix") {
  Remuda remuda(ini_text("default_pool_size = 3"));
  const auto failures = failures_of(16, [&](int number) {
    Pq client = pipelined(remuda);
    for (int round = 0; round < 20; ++round) {
      const std::string mark = std::to_string(number * 1000 + round);
      for (int i = 0; i < 10; ++i) send_value(client, "SELECT " + mark);
      if (round % 3 == 0) send_value(client, "SELECT 1/0");
      PQpipelineSync(client.raw());
      for (int i = 0; i < 10; ++i) {
        if (take_value(client) != mark) throw std::runtime_error("someone else's answer");
      }
      if (round % 3 == 0 && sqlstate_of(take(client).get()) != "22012")
        throw std::runtime_error("the error is missing");
      if (take_status(client) != PGRES_PIPELINE_SYNC) throw std::runtime_error("no sync");
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("Flush without Sync gives the answers and keeps the server") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  Pq other = remuda.connect();
  client.send(parse("", "SELECT 1") + bind("", "") + describe('P', "") + execute("") +
              flush_message());
  CHECK(types_of(client.read_until('C')) == "12TDC");
  other.send("SELECT 2");
  REQUIRE(remuda.wait_pool("p0", "cl_waiting", 1));
  client.send(sync_message());
  CHECK(client.expect('Z').body == "I");
  CHECK(other.finish() == Rows{{"2"}});
}

TEST_CASE("messages one at a time, a Flush after each") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(parse("", "SELECT 1") + flush_message());
  client.expect('1');
  client.send(bind("", "") + flush_message());
  client.expect('2');
  client.send(describe('S', "") + flush_message());
  client.expect('t');
  client.expect('T');
  client.send(execute("") + flush_message());
  client.expect('D');
  client.expect('C');
  client.send(close_of('P', "") + flush_message());
  client.expect('3');
  client.send(sync_message());
  client.expect('Z');
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("a pipeline inside a transaction keeps the server after its Sync") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("BEGIN") + sync_message() + extended("SELECT 1") + sync_message());
  CHECK(client.read_until('Z').back().body == "T");
  CHECK(client.read_until('Z').back().body == "T");
  CHECK(remuda.pool("p0").at("sv_active") == "1");
  client.send(extended("COMMIT") + sync_message());
  CHECK(client.read_until('Z').back().body == "I");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("simple queries sent without waiting") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += query("SELECT " + std::to_string(i));
  client.send(bytes);
  for (int i = 0; i < 100; ++i) {
    const auto messages = client.read_until('Z');
    REQUIRE(types_of(messages) == "TDCZ");
    REQUIRE(first_value(messages[1]) == std::to_string(i));
  }
}

TEST_CASE("a function call") {
  Remuda remuda(single());
  const auto oid = static_cast<uint32_t>(
      std::stoul(postgres().value("SELECT 'pg_catalog.version()'::regprocedure::oid")));
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(packet('F', be32(oid) + be16(0) + be16(0) + be16(0)));
  CHECK(client.expect('V').body.find("PostgreSQL") != std::string::npos);
  CHECK(client.expect('Z').body == "I");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("C1.8 a pipeline cut at every byte is answered the same") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  const std::string bytes = extended("SELECT 1") + sync_message() + query("SELECT 2") +
                            extended("nonsense") + extended("SELECT 3") + sync_message();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    client.send(bytes.substr(0, cut));
    client.send(bytes.substr(cut));
    REQUIRE(types_of(client.read_until('Z')) == "12DCZ");
    REQUIRE(types_of(client.read_until('Z')) == "TDCZ");
    REQUIRE(types_of(client.read_until('Z')) == "EZ");
  }
  for (const char byte : bytes) client.send(std::string(1, byte));
  CHECK(types_of(client.read_until('Z')) == "12DCZ");
  CHECK(types_of(client.read_until('Z')) == "TDCZ");
  CHECK(types_of(client.read_until('Z')) == "EZ");
}

}  // namespace remuda::test::pipeline_test
