// COPY in both directions, ending well and badly.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"

namespace remuda::test::copy_test {
namespace {

constexpr int kRows = 100000;

std::string single() {
  return ini_text("default_pool_size = 1");
}

void make_table() {
  postgres().exec("DROP TABLE IF EXISTS copied; CREATE TABLE copied (id int, note text)");
}

std::string line(int number) {
  return std::to_string(number) + "\tnote " + std::to_string(number) + "\n";
}

void start_copy(Pq& client, const std::string& sql, ExecStatusType expected) {
  client.send(sql);
  const Result result = client.next_result();
  check_result(result.get());
  if (PQresultStatus(result.get()) != expected) throw std::runtime_error("no COPY began");
}

void put(Pq& client, const std::string& data) {
  if (PQputCopyData(client.raw(), data.data(), static_cast<int>(data.size())) != 1)
    throw PqError("", PQerrorMessage(client.raw()));
}

// Ends the COPY, with an error of ours if `failure` is given; the server's verdict.
std::string end_copy(Pq& client, const char* failure = nullptr) {
  if (PQputCopyEnd(client.raw(), failure) != 1) throw PqError("", PQerrorMessage(client.raw()));
  std::string state;
  for (const auto& result : client.all_results()) state += sqlstate_of(result.get());
  return state;
}

}  // namespace

TEST_CASE("a hundred thousand rows in and out again") {
  make_table();
  Remuda remuda(single());
  Pq client = remuda.connect();
  start_copy(client, "COPY copied FROM STDIN", PGRES_COPY_IN);
  for (int i = 0; i < kRows; ++i) put(client, line(i));
  CHECK(end_copy(client) == "");
  CHECK(client.value("SELECT count(*) FROM copied") == std::to_string(kRows));

  start_copy(client, "COPY (SELECT * FROM copied ORDER BY id) TO STDOUT", PGRES_COPY_OUT);
  int rows = 0;
  char* data = nullptr;
  for (int size; (size = PQgetCopyData(client.raw(), &data, 0)) > 0; ++rows) {
    const std::string got(data, static_cast<size_t>(size));
    PQfreemem(data);
    if (got != line(rows)) FAIL("row " << rows << " is " << got);
  }
  CHECK(rows == kRows);
  CHECK(client.all_results().size() == 1);
  CHECK(client.value("SELECT 1") == "1");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("C3.24 a COPY that fails at its first row, while the client goes on sending") {
  make_table();
  Remuda remuda(single());
  Pq client = remuda.connect();
  start_copy(client, "COPY copied FROM STDIN", PGRES_COPY_IN);
  put(client, "not a number\tx\n");
  for (int i = 0; i < kRows; ++i) put(client, line(i));
  CHECK(end_copy(client) == "22P02");
  CHECK(client.value("SELECT count(*) FROM copied") == "0");
  Pq other = remuda.connect();
  CHECK(other.value("SELECT 5") == "5");
}

TEST_CASE("C3.24 a COPY that fails at its last row") {
  make_table();
  Remuda remuda(single());
  Pq client = remuda.connect();
  start_copy(client, "COPY copied FROM STDIN", PGRES_COPY_IN);
  for (int i = 0; i < kRows; ++i) put(client, line(i));
  put(client, "not a number\tx\n");
  CHECK(end_copy(client) == "22P02");
  CHECK(client.value("SELECT count(*) FROM copied") == "0");
}

TEST_CASE("a COPY that the client gives up") {
  make_table();
  Remuda remuda(single());
  Pq client = remuda.connect();
  start_copy(client, "COPY copied FROM STDIN", PGRES_COPY_IN);
  put(client, line(1));
  CHECK(end_copy(client, "changed my mind") == "57014");
  CHECK(client.value("SELECT count(*) FROM copied") == "0");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("C3.24 a client that vanishes in the middle of COPY in") {
  make_table();
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("COPY copied FROM STDIN"));
  client.expect('G');
  client.send(packet('d', line(1)));
  client.close();
  CHECK(remuda.connect().value("SELECT count(*) FROM copied") == "0");
}

TEST_CASE("a client that vanishes in the middle of COPY out") {
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT"));
  client.expect('H');
  client.expect('d');
  client.reset();
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("C3.24 Flush and Sync inside COPY in are ignored by the server and by us") {
  make_table();
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(query("COPY copied FROM STDIN"));
  client.expect('G');
  client.send(packet('d', line(1)) + flush_message() + sync_message() + packet('d', line(2)) +
              packet('c'));
  CHECK(types_of(client.read_until('Z')) == "CZ");
  CHECK(client.value("SELECT count(*) FROM copied") == "2");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("COPY in by the extended protocol") {
  make_table();
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.send(extended("COPY copied FROM STDIN") + flush_message());
  CHECK(types_of(client.read_until('G')) == "12G");
  client.send(packet('d', line(1)) + packet('c') + sync_message());
  CHECK(types_of(client.read_until('Z')) == "CZ");
  CHECK(client.value("SELECT count(*) FROM copied") == "1");
  CHECK(remuda.wait_pool("p0", "sv_idle", 1));
}

TEST_CASE("COPY in a transaction keeps the server") {
  make_table();
  Remuda remuda(single());
  RawClient client(remuda.port(), "postgres", "p0");
  client.ask("BEGIN");
  client.send(query("COPY copied FROM STDIN"));
  client.expect('G');
  client.send(packet('d', line(1)) + packet('c'));
  CHECK(client.read_until('Z').back().body == "T");
  CHECK(client.ask("ROLLBACK").back().body == "I");
  CHECK(client.value("SELECT count(*) FROM copied") == "0");
}

}  // namespace remuda::test::copy_test
