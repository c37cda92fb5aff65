// Prepared statements that follow their client from server to server, against a real PostgreSQL.
#include <algorithm>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::prepared_test {
namespace {

std::string pooled(int servers, const std::string& more = "") {
  return ini_text("default_pool_size = " + std::to_string(servers) + "\n" + more);
}

std::string run(std::string_view name) {
  return remuda::test::bind("", name) + execute("");
}

// Types of what a batch is answered with.
std::string answers(RawClient& client, const std::string& batch) {
  client.send(batch + sync_message());
  return types_of(client.read_until('Z'));
}

// The value that a named statement gives, or the code of the error.
std::string result_of(RawClient& client, std::string_view name) {
  client.send(run(name) + sync_message());
  for (const Message& message : client.read_until('Z')) {
    if (message.type == 'D') return first_value(message);
    if (message.type == 'E') return notice_fields(message).at('C');
  }
  return "nothing";
}

void prepare(Pq& client, const char* name, const std::string& sql) {
  check_result(make_result(PQprepare(client.raw(), name, sql.c_str(), 0, nullptr)).get());
}

Result run_prepared(Pq& client, const char* name) {
  return make_result(PQexecPrepared(client.raw(), name, 0, nullptr, nullptr, nullptr, 0));
}

// So that a client that asks next gets the other server, or waits.
struct Occupied {
  explicit Occupied(const Remuda& remuda) : client(remuda.connect()) { client.exec("BEGIN"); }
  ~Occupied() { client.exec("ROLLBACK"); }
  Pq client;
};

std::string pid_of(RawClient& client) {
  return client.value("SELECT pg_backend_pid()");
}

}  // namespace

TEST_CASE("C5.40 equal names of many clients stay their own over two servers and two workers") {
  Remuda remuda(pooled(2, "workers = 2\nmax_prepared_statements = 3\n"));
  constexpr int kClients = 6;
  constexpr int kRounds = 60;
  const auto failures = failures_of(kClients, [&](int me) {
    Pq client = remuda.connect();
    for (const char* name : {"s", "t"}) {
      prepare(client, name, "SELECT '" + std::string(name) + std::to_string(me) + "'");
    }
    for (int round = 0; round < kRounds; ++round) {
      const char* name = round % 2 ? "s" : "t";
      const Result result = run_prepared(client, name);
      check_result(result.get());
      const std::string value = rows_of(result.get()).at(0).at(0).value_or("");
      if (value != name + std::to_string(me)) throw std::runtime_error("got " + value);
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("C5.40 the name of a Parse that failed is free, on every server") {
  Remuda remuda(pooled(2));
  RawClient client(remuda.port(), "postgres", "p0");
  CHECK(answers(client, parse("s", "SELECT no_such_column") + run("s")) == "EZ");
  CHECK(result_of(client, "s") == "26000");
  CHECK(answers(client, parse("s", "SELECT 5") + run("s")) == "12DCZ");
  const Occupied first(remuda);
  CHECK(result_of(client, "s") == "5");
}

TEST_CASE("C1.3 what a server skips behind an error was not prepared") {
  Remuda remuda(pooled(1));
  RawClient client(remuda.port(), "postgres", "p0");
  CHECK(answers(client, parse("a", "SELECT 1") + parse("", "SELECT 1/0") + run("") +
                            parse("b", "SELECT 2") + close_of('S', "a")) == "11EZ");
  CHECK(result_of(client, "a") == "1");
  CHECK(result_of(client, "b") == "26000");
  CHECK(answers(client, parse("b", "SELECT 3")) == "1Z");
  CHECK(result_of(client, "b") == "3");
}

TEST_CASE("C1.4 Parse and Close that need no server are answered in their turn") {
  Remuda remuda(pooled(1));
  RawClient client(remuda.port(), "postgres", "p0");
  REQUIRE(answers(client, parse("a", "SELECT 1")) == "1Z");
  CHECK(answers(client, run("a") + parse("b", "SELECT 1") + close_of('S', "a") + run("b") +
                            close_of('S', "b")) == "2DC132DC3Z");
  client.send(parse("c", "SELECT 1") + close_of('S', "c") + flush_message());
  CHECK(types_of(client.read_until('3')) == "13");
  std::string closes;
  for (int i = 0; i < 10'000; ++i) closes += close_of('S', "none");
  CHECK(answers(client, closes) == std::string(10'000, '3') + 'Z');
}

TEST_CASE("C1.11 a portal is left alone though it is called like a statement") {
  Remuda remuda(pooled(2));
  RawClient client(remuda.port(), "postgres", "p0");
  REQUIRE(answers(client, parse("same", "SELECT 'still here'")) == "1Z");
  CHECK(answers(client, remuda::test::bind("same", "same") + describe('P', "same") +
                            execute("same") + close_of('P', "same") + describe('S', "same")) ==
        "2TDC3tTZ");
  CHECK(result_of(client, "same") == "still here");
}

TEST_CASE("C2.22 one text under two search_paths is two statements") {
  postgres().exec(
      "DROP SCHEMA IF EXISTS pa, pb CASCADE; CREATE SCHEMA pa; CREATE SCHEMA pb;"
      "CREATE TABLE pa.here AS SELECT 'in a' AS v; CREATE TABLE pb.here AS SELECT 'in b' AS v");
  Remuda remuda(pooled(1, "track_extra_parameters = search_path\n"));
  std::vector<Pq> clients;
  for (const std::string path : {"pa", "pb"}) {
    Address address = remuda.address();
    address.options = "options='-csearch_path=" + path + "'";
    clients.emplace_back(address);
    prepare(clients.back(), "s", "SELECT v FROM here");
  }
  for (int i = 0; i < 4; ++i) {
    const Result result = run_prepared(clients[i % 2], "s");
    check_result(result.get());
    CHECK(rows_of(result.get())[0][0] == (i % 2 ? "in b" : "in a"));
  }
  clients.clear();
  postgres().exec("DROP SCHEMA pa, pb CASCADE");
}

TEST_CASE("the unnamed statement reaches the next batch on another server") {
  Remuda remuda(pooled(2));
  RawClient client(remuda.port(), "postgres", "p0");
  const std::string before = pid_of(client);
  REQUIRE(answers(client, parse("", "SELECT pg_backend_pid()")) == "1Z");
  const Occupied first(remuda);
  const std::string now = result_of(client, "");
  CHECK(now != before);
  CHECK(now != "26000");
  client.ask("SELECT 1");
  CHECK(result_of(client, "") == "26000");
}

TEST_CASE("C5.40 DEALLOCATE ALL and DISCARD ALL leave both sides equal") {
  const std::string command = GENERATE("DEALLOCATE ALL", "DISCARD ALL");
  const bool is_prepared = GENERATE(false, true);
  INFO(command << (is_prepared ? ", prepared" : ""));
  Remuda remuda(pooled(1));
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  for (RawClient* each : {&client, &other}) {
    REQUIRE(answers(*each, parse("s", "SELECT 's'") + parse("all", command)) == "11Z");
  }
  if (is_prepared) {
    CHECK(answers(client, run("all") + close_of('S', "s") + close_of('S', "t")) == "2C33Z");
  } else {
    CHECK(types_of(client.ask(command)) == "CZ");
  }
  CHECK(result_of(client, "s") == "26000");
  CHECK(result_of(other, "s") == "s");
  CHECK(answers(client, parse("s", "SELECT 'new'")) == "1Z");
  CHECK(result_of(client, "s") == "new");
}

TEST_CASE("altered tables are not noticed by clients that ask for descriptions, as libpq does") {
  postgres().exec("DROP TABLE IF EXISTS altered; CREATE TABLE altered AS SELECT 1 AS a");
  Remuda remuda(pooled(2));
  Pq one = remuda.connect();
  Pq other = remuda.connect();
  prepare(one, "s", "SELECT * FROM altered");
  prepare(other, "t", "SELECT * FROM altered");
  // Both servers have it.
  one.exec("BEGIN");
  REQUIRE(PQnfields(run_prepared(one, "s").get()) == 1);
  REQUIRE(PQnfields(run_prepared(other, "t").get()) == 1);
  one.exec("COMMIT");
  postgres().exec("ALTER TABLE altered ADD COLUMN b int");
  for (int i = 0; i < 2; ++i) {
    const Result first = run_prepared(one, "s");
    check_result(first.get());
    CHECK(PQnfields(first.get()) == 2);
    other.exec("BEGIN");  // on what `one` has just used
    one.exec("BEGIN");
    one.exec("ROLLBACK");
    other.exec("ROLLBACK");
    const Result second = run_prepared(other, "t");
    check_result(second.get());
    CHECK(PQnfields(second.get()) == 2);
  }

  // Inside a transaction nothing can be tried again.
  postgres().exec("ALTER TABLE altered ADD COLUMN c int");
  one.exec("BEGIN");
  const Result failed = run_prepared(one, "s");
  CHECK(PQresultErrorField(failed.get(), PG_DIAG_SQLSTATE) == std::string("0A000"));
  one.exec("ROLLBACK");
  const Result healed = run_prepared(one, "s");
  check_result(healed.get());
  CHECK(PQnfields(healed.get()) == 3);
  CHECK(PQnfields(run_prepared(other, "t").get()) == 3);
  postgres().exec("DROP TABLE altered");
}

TEST_CASE("a statement that the server has lost is prepared there again") {
  Remuda remuda(pooled(1));
  Pq client = remuda.connect();
  prepare(client, "s", "SELECT 5");
  // Where nobody can see it.
  client.exec("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  const Result result = run_prepared(client, "s");
  check_result(result.get());
  CHECK(PQgetvalue(result.get(), 0, 0) == std::string("5"));
}

TEST_CASE("a plan whose result type has changed is an error once without a description") {
  postgres().exec("DROP TABLE IF EXISTS altered; CREATE TABLE altered AS SELECT 1 AS a");
  Remuda remuda(pooled(1));
  RawClient client(remuda.port(), "postgres", "p0");
  REQUIRE(answers(client, parse("s", "SELECT * FROM altered") + run("s")) == "12DCZ");
  postgres().exec("ALTER TABLE altered ADD COLUMN b int");
  CHECK(result_of(client, "s") == "0A000");
  CHECK(result_of(client, "s") == "1");
  postgres().exec("DROP TABLE altered");
}

TEST_CASE("max_prepared_statements is lowered, and made zero, at run time") {
  Remuda remuda(pooled(1, "max_prepared_statements = 10\n"));
  RawClient client(remuda.port(), "postgres", "p0");
  for (int i = 0; i < 6; ++i) {
    const std::string number = std::to_string(i);
    REQUIRE(answers(client, parse("s" + number, "SELECT " + number)) == "1Z");
  }
  const auto on_server = [&] {
    return client.value("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'remuda%'");
  };
  CHECK(on_server() == "6");
  remuda.console().exec("SET max_prepared_statements = 2");
  // It acts where something is prepared, on a few statements at a time.
  REQUIRE(answers(client, parse("x", "SELECT 'x'") + parse("y", "SELECT 'y'")) == "11Z");
  for (int i = 0; i < 6; ++i)
    CHECK(result_of(client, "s" + std::to_string(i)) == std::to_string(i));
  CHECK(on_server() == "2");
  remuda.console().exec("SET max_prepared_statements = 0");
  // From now on a client has to do with its server's.
  CHECK(result_of(client, "s0") == "26000");
  RawClient fresh(remuda.port(), "postgres", "p0");
  CHECK(answers(fresh, parse("plain", "SELECT 'p'") + run("plain")) == "12DCZ");
  CHECK(fresh.value("SELECT count(*) FROM pg_prepared_statements WHERE name = 'plain'") == "1");
}

TEST_CASE("the console counts prepared statements") {
  Remuda remuda(pooled(1));
  RawClient client(remuda.port(), "postgres", "p0");
  RawClient other(remuda.port(), "postgres", "p0");
  for (RawClient* each : {&client, &other}) {
    REQUIRE(answers(*each, parse("s", "SELECT 1") + run("s") + run("s")).back() == 'Z');
  }
  REQUIRE(answers(client, parse("t", "SELECT 2")) == "1Z");
  std::vector<std::string> of_clients;
  for (const Record& row : remuda.show("CLIENTS")) {
    if (row.at("database") == "p0") of_clients.push_back(row.at("prepared_statements"));
  }
  std::sort(of_clients.begin(), of_clients.end());
  CHECK(of_clients == std::vector<std::string>{"1", "2"});
  REQUIRE(remuda.show("SERVERS").size() == 1);
  CHECK(remuda.show("SERVERS")[0].at("prepared_statements") == "2");
  for (const Record& row : remuda.show("STATS")) {
    if (row.at("database") != "p0") continue;
    CHECK(row.at("total_client_parse_count") == "3");
    CHECK(row.at("total_server_parse_count") == "2");
    CHECK(row.at("total_bind_count") == "4");
  }
}

TEST_CASE("libpq prepares in a pipeline, fails and goes on") {
  Remuda remuda(pooled(1));
  Pq client = remuda.connect();
  PGconn* const raw = client.raw();
  REQUIRE(PQenterPipelineMode(raw) == 1);
  const auto send = [&](const char* name, const char* sql) {
    if (sql) REQUIRE(PQsendPrepare(raw, name, sql, 0, nullptr) == 1);
    REQUIRE(PQsendQueryPrepared(raw, name, 0, nullptr, nullptr, nullptr, 0) == 1);
  };
  send("a", "SELECT 'a'");
  send("bad", "SELECT 1/0");
  send("lost", "SELECT 'lost'");
  REQUIRE(PQpipelineSync(raw) == 1);
  send("a", nullptr);
  send("lost", "SELECT 'found'");
  send("lost", nullptr);
  REQUIRE(PQpipelineSync(raw) == 1);
  std::string seen;
  for (int syncs = 0; syncs < 2;) {
    const Result result = client.next_result();
    if (!result) continue;
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        ++syncs;
        seen += '|';
        break;
      case PGRES_TUPLES_OK:
        seen += std::string(PQgetvalue(result.get(), 0, 0)) + ' ';
        break;
      case PGRES_COMMAND_OK:
        seen += "ok ";
        break;
      case PGRES_PIPELINE_ABORTED:
        seen += "skipped ";
        break;
      default:
        seen += sqlstate_of(result.get()) + ' ';
    }
  }
  CHECK(seen == "ok a ok 22012 skipped skipped |a ok found found |");
}

TEST_CASE("a long unnamed statement arrives whole") {
  Remuda remuda(pooled(1));
  Pq client = remuda.connect();
  for (const int size : {60'000, 300'000, 2'000'000}) {
    const std::string text(static_cast<size_t>(size), 'x');
    CHECK((client.exec_params("SELECT '" + text + "' || $1", {"y"})[0][0] == text + "y"));
  }
}

}  // namespace remuda::test::prepared_test
