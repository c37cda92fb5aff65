// Settings and SQL-level prepared statements that follow their client from server to server,
// against a real PostgreSQL.
#include <algorithm>

#include "support/catch.h"
#include "support/postgres.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::settings_follow_test {
namespace {

std::string pooled(int servers, const std::string& more = "") {
  return ini_text("default_pool_size = " + std::to_string(servers) + "\n" + more);
}

// Holds one of two servers, so that who asks next gets the other.
class Occupied {
 public:
  explicit Occupied(const Remuda& remuda) : client_(remuda.connect()) { client_.exec("BEGIN"); }
  ~Occupied() { client_.exec("ROLLBACK"); }

 private:
  Pq client_;
};

std::string setting(Pq& client, const std::string& name) {
  return client.value("SELECT current_setting('" + name + "', true)");
}

std::string code_of(Pq& client, const std::string& sql) {
  return pq_error([&] { client.exec(sql); }).sqlstate;
}

std::string pid_of(Pq& client) {
  return client.value("SELECT pg_backend_pid()");
}

Result run_prepared(Pq& client, const char* name, const char* value) {
  return make_result(PQexecPrepared(client.raw(), name, 1, &value, nullptr, nullptr, 0));
}

}  // namespace

TEST_CASE("C2.12 SET in all its forms is there on every server the client gets") {
  Remuda remuda(pooled(2));
  Pq client = remuda.connect();
  client.exec("SET search_path TO pg_catalog, \"Odd \"\"name\"");
  client.exec("set session statement_timeout = '90s'");
  client.exec("SELECT set_config('app.who', E'it''s \\\\ \xc3\xa9', false)");
  client.exec("SET TIME ZONE 'Asia/Tokyo'; SET work_mem TO '7MB'; SELECT 1");
  client.exec("BEGIN; SET lock_timeout TO 99; ROLLBACK");
  const std::string first = pid_of(client);
  const auto check = [&] {
    CHECK(setting(client, "search_path") == "pg_catalog, \"Odd \"\"name\"");
    CHECK(setting(client, "statement_timeout") == "90s");
    CHECK(setting(client, "app.who") == "it's \\ \xc3\xa9");
    CHECK(setting(client, "TimeZone") == "Asia/Tokyo");
    CHECK(setting(client, "work_mem") == "7MB");
    CHECK(setting(client, "lock_timeout") == "0");
  };
  check();
  const Occupied other(remuda);
  CHECK(pid_of(client) != first);
  check();
}

TEST_CASE("C2.13 nothing that one client has set is met by another") {
  Remuda remuda(pooled(1));
  Pq one = remuda.connect();
  Pq two = remuda.connect();
  const std::string path = setting(two, "search_path");
  one.exec("SET search_path TO secret");
  one.exec("SET ROLE pg_read_all_data");
  one.exec("SELECT set_config('app.who', 'one', false)");
  CHECK(setting(two, "search_path") == path);
  CHECK(two.value("SELECT current_user") == "postgres");
  CHECK(setting(two, "app.who") == "");
  CHECK(setting(one, "search_path") == "secret");
  CHECK(one.value("SELECT current_user") == "pg_read_all_data");
  CHECK(setting(one, "app.who") == "one");
}

TEST_CASE("C2.14 SET LOCAL ends with its transaction, and a rollback undoes SET") {
  Remuda remuda(pooled(1));
  Pq one = remuda.connect();
  Pq two = remuda.connect();
  one.exec("BEGIN");
  one.exec("SET LOCAL search_path TO mine");
  one.exec("SAVEPOINT s");
  one.exec("SET work_mem TO '9MB'");
  one.exec("ROLLBACK TO s");
  one.exec("SET lock_timeout TO 77");
  CHECK(setting(one, "search_path") == "mine");
  one.exec("COMMIT");
  for (Pq* client : {&two, &one}) {
    CHECK(setting(*client, "search_path") != "mine");
    CHECK(setting(*client, "work_mem") != "9MB");
  }
  CHECK(setting(one, "lock_timeout") == "77ms");
  CHECK(setting(two, "lock_timeout") == "0");
}

TEST_CASE("C2.15 what could not be seen is cleaned off the server before its next client") {
  Remuda remuda(pooled(1));
  Pq one = remuda.connect();
  Pq two = remuda.connect();
  const std::string pid = pid_of(one);
  one.exec("SET app.who TO 'one'");
  // Too long to be looked at, so that only its tag tells.
  one.exec("/*" + std::string(300'000, ' ') + "*/ SET app.unseen TO 'one'");
  CHECK(setting(two, "app.unseen") == "");
  CHECK(setting(two, "app.who") == "");
  CHECK(pid_of(two) == pid);
  CHECK(setting(one, "app.who") == "one");
}

TEST_CASE("start-up parameters and options that servers do not report follow too") {
  Remuda remuda(pooled(2, "track_extra_parameters = enable_seqscan\n"));
  Address address = remuda.address();
  address.options = "options='-c search_path=x,y -c enable_seqscan=off -c statement_timeout=50s'";
  Pq client(address);
  const auto check = [&] {
    CHECK(setting(client, "search_path") == "x,y");
    CHECK(setting(client, "enable_seqscan") == "off");
    CHECK(setting(client, "statement_timeout") == "50s");
  };
  check();
  const Occupied other(remuda);
  check();
  client.exec("SET search_path TO z");
  client.exec("RESET ALL");
  check();
}

TEST_CASE("connect_query's settings are what RESET goes back to, for every client") {
  Remuda remuda(ini_text("default_pool_size = 1\n",
                         "p9 = host=127.0.0.1 port={pg_port} dbname=p0 "
                         "connect_query='SET search_path TO from_query'\n"));
  Pq one = remuda.connect("p9");
  Pq two = remuda.connect("p9");
  one.exec("SET search_path TO mine");
  CHECK(setting(two, "search_path") == "from_query");
  CHECK(setting(one, "search_path") == "mine");
  one.exec("DISCARD ALL");
  CHECK(setting(one, "search_path") == "from_query");
}

TEST_CASE("with track_session_settings = reported only these follow, as in PgBouncer 1.26") {
  Remuda remuda(pooled(1, "track_session_settings = reported\n"));
  Pq one = remuda.connect();
  Pq two = remuda.connect();
  one.exec("SET TimeZone TO 'Asia/Tokyo'");
  one.exec("SET lock_timeout TO 5");
  CHECK(setting(two, "TimeZone") != "Asia/Tokyo");
  CHECK(setting(two, "lock_timeout") == "5ms");
  CHECK(setting(one, "TimeZone") == "Asia/Tokyo");
  one.exec("RESET lock_timeout");
}

TEST_CASE("C5.40 clients PREPARE one name with different texts, over two servers and workers") {
  Remuda remuda(pooled(2, "workers = 2\nmax_prepared_statements = 3\n"));
  constexpr int kClients = 6;
  constexpr int kRounds = 50;
  const auto failures = failures_of(kClients, [&](int me) {
    Pq client = remuda.connect();
    const std::string own = std::to_string(me);
    client.exec("PREPARE q AS SELECT '" + own + "' || $1");
    client.exec("PREPARE \"Typed\" (int) AS SELECT $1 + " + own);
    client.exec("SET app.me TO '" + own + "'");
    for (int round = 0; round < kRounds; ++round) {
      const std::string text = client.value("EXECUTE q('-" + std::to_string(round) + "')");
      if (text != own + "-" + std::to_string(round)) throw std::runtime_error("got " + text);
      const std::string sum = client.value("EXECUTE \"Typed\"(" + std::to_string(round) + ")");
      if (sum != std::to_string(round + me)) throw std::runtime_error("got " + sum);
      const std::string mine = client.value("SHOW app.me");
      if (mine != own) throw std::runtime_error("app.me is " + mine);
    }
    client.exec("DEALLOCATE q");
    client.exec("PREPARE q AS SELECT 'again'");
    if (client.value("EXECUTE q") != "again") throw std::runtime_error("not prepared again");
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("PREPARE and EXECUTE fail as in PostgreSQL") {
  Remuda remuda(pooled(2));
  Pq client = remuda.connect();
  client.exec("PREPARE q AS SELECT 1");
  CHECK(code_of(client, "PREPARE q AS SELECT 2") == "42P05");
  CHECK(code_of(client, "EXECUTE nothing") == "26000");
  CHECK(code_of(client, "PREPARE r AS SELECT no_such_column") == "42703");
  CHECK(code_of(client, "EXECUTE r") == "26000");
  CHECK(code_of(client, "DEALLOCATE r") == "26000");
  CHECK(client.value("EXECUTE q") == "1");
  client.exec("DEALLOCATE ALL");
  CHECK(code_of(client, "EXECUTE q") == "26000");
}

TEST_CASE(
    "PREPARE, EXECUTE and DEALLOCATE by the extended protocol reach every server, typed or not") {
  Remuda remuda(pooled(2, "workers = 2\nmax_prepared_statements = 3\n"));
  const auto failures = failures_of(6, [&](int me) {
    Pq client = remuda.connect();
    const std::string own = std::to_string(me);
    const auto value = [&](const std::string& sql) {
      return client.exec_params(sql, {}).at(0).at(0).value();
    };
    for (int round = 0; round < 20; ++round) {
      client.exec_params("PREPARE q AS SELECT '" + own + "' || $1", {});
      client.exec_params("PREPARE \"Typed\" (int) AS SELECT $1 + " + own, {});
      for (int turn = 0; turn < 3; ++turn) {
        const std::string text = value("EXECUTE q('-x')");
        if (text != own + "-x") throw std::runtime_error("got " + text);
        const std::string sum = value("EXECUTE \"Typed\"(" + std::to_string(round) + ")");
        if (sum != std::to_string(round + me)) throw std::runtime_error("got " + sum);
        const Result bound = run_prepared(client, "Typed", "7");
        if (rows_of(bound.get()).at(0).at(0) != std::to_string(7 + me)) {
          throw std::runtime_error("Bind got something else");
        }
      }
      client.exec_params("DEALLOCATE q", {});
      client.exec_params("DEALLOCATE \"Typed\"", {});
    }
  });
  CHECK(failures == std::vector<std::string>{});
}

TEST_CASE("PREPARE and EXECUTE by the extended protocol fail as in PostgreSQL") {
  Remuda remuda(pooled(2));
  Pq client = remuda.connect();
  const auto code = [&](const std::string& sql) {
    return pq_error([&] { client.exec_params(sql, {}); }).sqlstate;
  };
  CHECK(code("PREPARE q AS SELECT 1") == "");
  CHECK(code("PREPARE q AS SELECT 2") == "42P05");
  CHECK(code("EXECUTE nothing") == "26000");
  CHECK(code("PREPARE r AS SELECT no_such_column") == "42703");
  CHECK(code("EXECUTE r") == "26000");
  CHECK(code("DEALLOCATE r") == "26000");
  CHECK(code("EXECUTE q") == "");
  client.exec("BEGIN");
  CHECK(code("SELECT 1/0") == "22012");
  CHECK(code("PREPARE s AS SELECT 1") == "25P02");
  CHECK(code("EXECUTE q") == "25P02");
  client.exec("ROLLBACK");
  CHECK(code("EXECUTE s") == "26000");
  CHECK(code("EXECUTE q") == "");
  CHECK(code("DEALLOCATE q") == "");
  CHECK(code("EXECUTE q") == "26000");
}

}  // namespace remuda::test::settings_follow_test
