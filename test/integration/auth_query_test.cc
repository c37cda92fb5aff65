// Users that only PostgreSQL knows: who gets in, what a query about them can be made to say, and
// what happens when there is no answer.
#include <algorithm>
#include <thread>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/remuda_process.h"
#include "support/threads.h"

namespace remuda::test::auth_query_test {
namespace {

const std::string kOnlyPostgres = "\"postgres\" \"postgres-secret\"\n";
const std::string kScram = "auth_type = scram-sha-256\nauth_user = postgres\n";
const std::string kPlain = "auth_type = plain\nauth_user = postgres\n";
const std::string kConfigError = "bouncer config error";
const std::string kWrong = "password authentication failed";

// Roles of one test, gone with it.
class Roles {
 public:
  explicit Roles(const std::string& create, const std::string& drop) : drop_(drop) {
    postgres().exec(drop_);
    postgres().exec(create);
  }
  ~Roles() {
    try {
      postgres().exec(drop_);
    } catch (const PqError&) {
    }
  }

 private:
  std::string drop_;
};

Roles one_role(const std::string& options) {
  return Roles("CREATE ROLE aq_user " + options, "DROP ROLE IF EXISTS aq_user");
}

Pq console_of(const Remuda& remuda) {
  return remuda.connect("pgbouncer", "postgres", "postgres-secret");
}

bool gets_in(const Remuda& remuda, const std::string& user, const std::string& password,
             const std::string& database = "p0") {
  try {
    return remuda.connect(database, user, password).value("SELECT 1") == "1";
  } catch (const PqError&) {
    return false;
  }
}

// ---- An auth server that a test writes
// -------------------------------------------------------------

std::string answer_of(const std::string& rows, const std::vector<std::string>& columns) {
  return packet('1') + packet('2') + row_description(columns) + rows +
         command_complete("SELECT 1") + ready();
}

std::string secret_row(const std::string& name, const std::string& secret) {
  return answer_of(data_row({name, secret}), {"name", "secret"});
}

// The value that Bind carries.
std::string asked_for(const std::vector<Message>& question) {
  const std::string& bind = question.at(1).body;
  const auto size = static_cast<unsigned char>(bind.at(9));
  return bind.substr(10, size);
}

// Notes each question, "asked NAME", and answers it; other queries are answered with nothing.
void answer_all(FakePeer& peer, const std::function<std::string(const std::string&)>& answer) {
  peer.login();
  while (true) {
    const Message first = peer.read();
    if (first.type == 'X') return;
    if (first.type == 'Q') {
      peer.note("simple " + first.body.substr(0, first.body.find('\0')));
      const bool is_ours = first.body.starts_with("DISCARD ALL");
      peer.send(command_complete(is_ours ? "DISCARD ALL" : "SELECT 0") + ready());
      continue;
    }
    std::vector<Message> question = peer.read_until('S');
    question.insert(question.begin(), first);
    const std::string name = asked_for(question);
    peer.note("asked " + name);
    peer.send(answer(name));
  }
}

// Clients of p0 use the real server; who they are, the scripted one says.
std::string ini_for(const FakeServer& server, const std::string& settings) {
  return ini_text(settings + "auth_dbname = auth\n",
                  "p0 = host=127.0.0.1 port={pg_port} user=postgres\n"
                  "auth = host=127.0.0.1 port=" +
                      std::to_string(server.port()) + "\n");
}

size_t count_of(const std::vector<std::string>& notes, const std::string& text) {
  return static_cast<size_t>(std::count(notes.begin(), notes.end(), text));
}

size_t count_in(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("SCRAM secrets of the server serve every password method") {
  const std::string method = GENERATE("scram-sha-256", "plain", "md5");
  INFO(method);
  Remuda remuda(ini_text("auth_type = " + method + "\nauth_user = postgres\n"), kOnlyPostgres);
  auto client = remuda.connect("p0", "scram_user", "scram-secret");
  CHECK(client.value("SELECT current_user") == "scram_user");
  CHECK(remuda.refusal("p0", "scram_user", "wrong").sqlstate == "08P01");
  CHECK(remuda.refusal("p0", "scram_user", "").message != "no error");
}

TEST_CASE("md5 secrets of the server serve plain and md5") {
  const std::string method = GENERATE("plain", "md5");
  Remuda remuda(ini_text("auth_type = " + method + "\nauth_user = postgres\n"), kOnlyPostgres);
  auto client = remuda.connect("p0", "md5_user", "md5-secret");
  CHECK(client.value("SELECT current_user") == "md5_user");
  CHECK(remuda.refusal("p0", "md5_user", "wrong").message == kWrong);
}

TEST_CASE("an md5 secret does not serve SCRAM") {
  Remuda remuda(ini_text(kScram), kOnlyPostgres);
  CHECK(remuda.refusal("p0", "md5_user", "md5-secret").message == "SASL authentication failed");
}

TEST_CASE("plain secrets that a query finds") {
  const std::string method = GENERATE("scram-sha-256", "plain", "md5");
  const auto role = one_role("LOGIN");
  Remuda remuda(ini_text("auth_type = " + method +
                         "\nauth_user = postgres\n"
                         "auth_query = SELECT $1::text, 'clear-secret'\n"),
                kOnlyPostgres);
  CHECK(gets_in(remuda, "aq_user", "clear-secret"));
  CHECK(!gets_in(remuda, "aq_user", "wrong"));
}

TEST_CASE("a user without a password, expired, or not allowed to log in") {
  const std::string options =
      GENERATE("LOGIN", "LOGIN PASSWORD 's' VALID UNTIL '2001-01-01'", "NOLOGIN PASSWORD 's'");
  const std::string method = GENERATE("scram-sha-256", "plain", "md5");
  INFO(options << " " << method);
  const auto role = one_role(options);
  Remuda remuda(ini_text("auth_type = " + method + "\nauth_user = postgres\n"), kOnlyPostgres);
  CHECK(!gets_in(remuda, "aq_user", "s"));
  CHECK(!gets_in(remuda, "aq_user", "md5"));
  CHECK(!gets_in(remuda, "aq_user", ""));
}

TEST_CASE("an unknown user cannot be told from a wrong password") {
  Remuda remuda(ini_text(kScram), kOnlyPostgres);
  const auto unknown = remuda.refusal("p0", "aq_nobody", "s");
  const auto wrong = remuda.refusal("p0", "scram_user", "wrong");
  CHECK(unknown.message == wrong.message);
  CHECK(unknown.sqlstate == wrong.sqlstate);
}

TEST_CASE("a NULL name is no user, and of several rows the last counts") {
  const auto role = one_role("LOGIN");
  const std::string query = GENERATE("SELECT NULL::text, 's' WHERE $1::text IS NOT NULL",
                                     "VALUES ($1::text, 's'), (NULL, 's')");
  {
    Remuda remuda(ini_text(kPlain + "auth_query = " + query + "\n"), kOnlyPostgres);
    CHECK(remuda.refusal("p0", "aq_user", "s").message == kWrong);
  }
  Remuda remuda(ini_text(kPlain + "auth_query = VALUES ($1::text, 'first'), ($1, 'last')\n"),
                kOnlyPostgres);
  CHECK(!gets_in(remuda, "aq_user", "first"));
  CHECK(gets_in(remuda, "aq_user", "last"));
}

TEST_CASE("who has a secret in the auth file is not looked up") {
  FakeServer server([](FakePeer& peer) { answer_all(peer, [](auto&) { return ready(); }); });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  CHECK(gets_in(remuda, "postgres", "postgres-secret"));
  CHECK(server.connections() == 0);
}

TEST_CASE("settings of a database win over the global ones") {
  const auto roles = Roles(
      "CREATE ROLE aq_user LOGIN; CREATE TABLE aq_secrets(name text, secret text);"
      "INSERT INTO aq_secrets VALUES ('aq_user', 'own-secret');"
      "GRANT SELECT ON aq_secrets TO trust_user",
      "DROP TABLE IF EXISTS aq_secrets; DROP ROLE IF EXISTS aq_user");
  Remuda remuda(ini_text("auth_type = plain\nauth_user = nobody\nauth_dbname = nowhere\n"
                         "auth_query = SELECT 1, 2, 3\n",
                         "p1 = host=127.0.0.1 port={pg_port} auth_user=trust_user auth_dbname=p0 "
                         "auth_query='SELECT name, secret FROM aq_secrets WHERE name = $1'\n"
                         "p0 = host=127.0.0.1 port={pg_port}\n"),
                kOnlyPostgres + "\"trust_user\" \"trust-secret\"\n");
  CHECK(gets_in(remuda, "aq_user", "own-secret", "p1"));
  CHECK(!gets_in(remuda, "aq_user", "wrong", "p1"));
  auto console = console_of(remuda);
  bool has_pool = false;
  for (const Row& row : console.exec("SHOW POOLS")) {
    has_pool = has_pool || (row[0] == "p0" && row[1] == "trust_user");
  }
  CHECK(has_pool);
}

TEST_CASE("a function in a schema of its own, for a user with few rights") {
  const auto roles = Roles(
      "CREATE ROLE aq_user LOGIN PASSWORD 's'; CREATE ROLE aq_reader LOGIN;"
      "CREATE SCHEMA aq; GRANT USAGE ON SCHEMA aq TO aq_reader;"
      "CREATE FUNCTION aq.lookup(who text, OUT name text, OUT secret text) RETURNS SETOF record "
      "LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS "
      "$$SELECT usename::text, passwd FROM pg_shadow WHERE usename = who$$",
      "DROP SCHEMA IF EXISTS aq CASCADE; DROP ROLE IF EXISTS aq_user, aq_reader");
  Remuda remuda(ini_text("auth_type = scram-sha-256\nauth_user = aq_reader\n"
                         "auth_query = SELECT * FROM aq.lookup($1)\n"),
                kOnlyPostgres + "\"aq_reader\" \"\"\n");
  CHECK(gets_in(remuda, "aq_user", "s"));
  CHECK(!gets_in(remuda, "aq_user", "wrong"));
}

TEST_CASE("a name with quotes, backslashes and semicolons is only a name") {
  const auto roles = Roles("CREATE ROLE \"aq'\"\"\\;-- $1\" LOGIN PASSWORD 's'",
                           "DROP ROLE IF EXISTS \"aq'\"\"\\;-- $1\"");
  const std::string name = "aq'\"\\;-- $1";
  Remuda remuda(ini_text(kScram), kOnlyPostgres);
  CHECK(remuda.connect("p0", name, "s").value("SELECT current_user") == name);
  CHECK(!gets_in(remuda, name, "wrong"));
  CHECK(!gets_in(remuda, "aq_user' OR rolname = 'postgres", "s"));
  CHECK(!gets_in(remuda, "x' UNION SELECT 'x', 's' --", "s"));
}

TEST_CASE("a client of the same pool cannot steer the query") {
  const auto role = one_role("LOGIN PASSWORD 'right'");
  const auto schema = Roles(
      "CREATE SCHEMA aq_evil; CREATE TABLE aq_evil.pg_authid AS "
      "SELECT 'aq_user'::name AS rolname, 'forged'::text AS rolpassword, "
      "NULL::timestamptz AS rolvaliduntil, true AS rolcanlogin",
      "DROP SCHEMA IF EXISTS aq_evil CASCADE");
  const std::string attack =
      GENERATE("SET search_path = aq_evil, pg_catalog",
               "CREATE TEMP TABLE pg_authid AS SELECT * FROM aq_evil.pg_authid",
               "SET ROLE trust_user", "SET SESSION AUTHORIZATION trust_user",
               "SET statement_timeout = 1; SET default_transaction_read_only = on");
  INFO(attack);
  Remuda remuda(ini_text(kPlain, "p0 = host=127.0.0.1 port={pg_port} user=postgres pool_size=1\n"),
                kOnlyPostgres);
  auto attacker = remuda.connect("p0", "postgres", "postgres-secret");
  const std::string pid = attacker.value("SELECT pg_backend_pid()");
  attacker.exec(attack);
  CHECK(remuda.refusal("p0", "aq_user", "forged").message == kWrong);
  attacker.exec(attack);
  auto client = remuda.connect("p0", "aq_user", "right");
  // It was that server, and nothing is left of it.
  CHECK(client.value("SELECT pg_backend_pid()") == pid);
  CHECK(client.value("SELECT to_regclass('pg_temp.pg_authid') IS NULL") == "t");
  CHECK(client.value("SELECT current_user") == "postgres");
  CHECK(client.value("SHOW search_path") == "\"$user\", public");
}

TEST_CASE("a search_path in the start-up packet does not reach the query") {
  const auto role = one_role("LOGIN PASSWORD 'right'");
  const auto schema = Roles(
      "CREATE SCHEMA aq_evil; CREATE TABLE aq_evil.pg_authid AS "
      "SELECT 'aq_user'::name AS rolname, 'forged'::text AS rolpassword, "
      "NULL::timestamptz AS rolvaliduntil, true AS rolcanlogin",
      "DROP SCHEMA IF EXISTS aq_evil CASCADE");
  Remuda remuda(ini_text(kPlain + "track_extra_parameters = search_path\n",
                         "p0 = host=127.0.0.1 port={pg_port} user=postgres pool_size=1\n"),
                kOnlyPostgres);
  const auto login = [&](const std::string& password) {
    auto address = remuda.address("p0", "aq_user", password);
    address.options = "options='-csearch_path=aq_evil,pg_catalog'";
    return address;
  };
  CHECK(pq_error([&] { Pq client(login("forged")); }).message == kWrong);
  Pq client(login("right"));
  CHECK(client.value("SELECT rolpassword FROM pg_authid") == "forged");
  CHECK(pq_error([&] { Pq other(login("forged")); }).message == kWrong);
  // Its own settings are still its own.
  CHECK(client.value("SELECT rolpassword FROM pg_authid") == "forged");
}

TEST_CASE("a server cleaned for a query runs its connect_query again") {
  Remuda remuda(ini_text(kPlain,
                         "p0 = host=127.0.0.1 port={pg_port} user=postgres pool_size=1 "
                         "connect_query='SET work_mem = 12345'\n"),
                kOnlyPostgres);
  auto client = remuda.connect("p0", "postgres", "postgres-secret");
  CHECK(client.value("SHOW work_mem") == "12345kB");
  CHECK(gets_in(remuda, "scram_user", "scram-secret"));
  CHECK(client.value("SHOW work_mem") == "12345kB");
}

TEST_CASE("parameters of clients stay right around a cleaned server") {
  Remuda remuda(ini_text(kPlain, "p0 = host=127.0.0.1 port={pg_port} user=postgres pool_size=1\n"),
                kOnlyPostgres);
  auto client = remuda.connect("p0", "postgres", "postgres-secret");
  client.exec("SET TimeZone = 'Asia/Tokyo'");
  client.exec("SET application_name = 'mine'");
  CHECK(gets_in(remuda, "scram_user", "scram-secret"));
  CHECK(client.value("SHOW TimeZone") == "Asia/Tokyo");
  CHECK(client.value("SHOW application_name") == "mine");
  auto other = remuda.connect("p0", "scram_user", "scram-secret");
  CHECK(other.value("SHOW TimeZone") != "Asia/Tokyo");
}

TEST_CASE("a changed password works at once without a cache") {
  const auto role = one_role("LOGIN PASSWORD 'one'");
  Remuda remuda(ini_text(kScram), kOnlyPostgres);
  CHECK(gets_in(remuda, "aq_user", "one"));
  postgres().exec("ALTER ROLE aq_user PASSWORD 'two'");
  CHECK(gets_in(remuda, "aq_user", "two"));
  CHECK(!gets_in(remuda, "aq_user", "one"));
}

TEST_CASE("a changed password works at once with a cache") {
  const auto role = one_role("LOGIN PASSWORD 'one'");
  Remuda remuda(ini_text(kPlain + "auth_query_cache_ttl = 600\n"), kOnlyPostgres);
  CHECK(gets_in(remuda, "aq_user", "one"));
  postgres().exec("ALTER ROLE aq_user PASSWORD 'two'");
  CHECK(gets_in(remuda, "aq_user", "two"));
  CHECK(!gets_in(remuda, "aq_user", "one"));
}

TEST_CASE("the cache answers for one user, and is empty after a reload") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [](const std::string& name) { return secret_row(name, name + "-secret"); });
  });
  Remuda remuda(ini_for(server, kPlain + "auth_query_cache_ttl = 600\n"), kOnlyPostgres);
  for (int i = 0; i < 3; ++i) CHECK(gets_in(remuda, "ann", "ann-secret"));
  CHECK(gets_in(remuda, "bob", "bob-secret"));
  CHECK(!gets_in(remuda, "bob", "ann-secret"));
  CHECK(count_of(server.notes(), "asked ann") == 1);
  console_of(remuda).exec("RELOAD");
  CHECK(eventually([&] {
    return gets_in(remuda, "ann", "ann-secret") && count_of(server.notes(), "asked ann") == 2;
  }));
}

TEST_CASE("without a cache every login asks") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [](const std::string& name) { return secret_row(name, "s"); });
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  for (int i = 0; i < 3; ++i) CHECK(gets_in(remuda, "ann", "s"));
  CHECK(count_of(server.notes(), "asked ann") == 3);
  CHECK(server.connections() == 1);
}

TEST_CASE("many logins of one user at the same time share one query") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [&peer](const std::string& name) {
      peer.hang();
      return secret_row(name, "s");
    });
  });
  Remuda remuda(ini_for(server, kPlain + "auth_query_cache_ttl = 600\n"), kOnlyPostgres);
  std::thread releaser([&] {
    eventually([&] { return count_in(remuda.log(), "login attempt: db=p0 user=ann") == 50; });
    server.release();
  });
  const auto failures = failures_of(50, [&](int) { remuda.connect("p0", "ann", "s"); });
  releaser.join();
  CHECK(failures == std::vector<std::string>{});
  CHECK(count_of(server.notes(), "asked ann") == 1);
}

TEST_CASE("answers that are none") {
  const std::string answer = GENERATE(
      packet('1') + error_response("42501", "permission denied for table pg_authid") + ready(),
      error_response("57P01", "terminating connection", "FATAL"),
      answer_of(data_row({"ann", "s", "x"}), {"a", "b", "c"}), answer_of(data_row({"ann"}), {"a"}),
      packet('1') + packet('2') + packet('n') + command_complete("DO") + ready(),
      packet('1') + packet('2') + packet('n') + packet('I') + ready(), packet('?'),
      answer_of(data_row({"ann", "s"}), {"a", "b"}) + packet('1'));
  FakeServer server([&](FakePeer& peer) {
    const bool first = peer.number() == 0;
    answer_all(peer,
               [&](const std::string& name) { return first ? answer : secret_row(name, "s"); });
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  const auto refused = remuda.refusal("p0", "ann", "s");
  CHECK(refused.message == kConfigError);
  CHECK(refused.sqlstate == "08P01");
  CHECK(remuda.log().find("auth_query") != std::string::npos);
  // That server is not asked again; another is.
  CHECK(gets_in(remuda, "ann", "s"));
}

TEST_CASE("a secret beyond all measure is no secret") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [](const std::string& name) {
      return secret_row(name, std::string(name == "ann" ? 70000 : 1, 's'));
    });
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  CHECK(remuda.refusal("p0", "ann", "s").message == kConfigError);
  CHECK(gets_in(remuda, "bob", "s"));
}

TEST_CASE("an auth server that refuses us, and one that breaks off") {
  const bool refuses = GENERATE(true, false);
  FakeServer server([&](FakePeer& peer) {
    if (refuses) {
      peer.accept_startup();
      peer.send(error_response("28P01", "who are you", "FATAL"));
    } else {
      peer.login();
      peer.expect('P');
    }
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  CHECK(remuda.refusal("p0", "ann", "s").message == kConfigError);
}

TEST_CASE("an auth server that does not answer costs nobody else anything") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [&peer](const std::string& name) {
      if (name == "ann") peer.hang();
      return secret_row(name, "s");
    });
  });
  Remuda remuda(ini_for(server, kPlain + "client_login_timeout = 1\n"), kOnlyPostgres);
  std::thread ann([&] { server.wait_note("asked ann"); });
  const auto refused = remuda.refusal("p0", "ann", "s");
  ann.join();
  CHECK(refused.message == "client_login_timeout");
  CHECK(gets_in(remuda, "bob", "s"));
  CHECK(gets_in(remuda, "postgres", "postgres-secret"));
  auto console = console_of(remuda);
  CHECK(remuda.wait_log("auth_query timeout"));
}

TEST_CASE("a connection of the auth pool that a client has used is cleaned once") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [](const std::string& name) { return secret_row(name, "s"); });
  });
  Remuda remuda(ini_for(server, kPlain + "server_check_delay = 1000\n"), kOnlyPostgres);
  CHECK(gets_in(remuda, "ann", "s"));
  CHECK(count_of(server.notes(), "simple DISCARD ALL") == 0);
  {
    auto client = remuda.connect("auth", "postgres", "postgres-secret");
    client.exec("SELECT 1");
  }
  CHECK(gets_in(remuda, "ann", "s"));
  CHECK(gets_in(remuda, "ann", "s"));
  CHECK(count_of(server.notes(), "simple DISCARD ALL") == 1);
  CHECK(server.connections() == 1);
}

TEST_CASE("a connection that cannot be cleaned is closed and another is taken") {
  FakeServer server([](FakePeer& peer) {
    peer.login();
    bool has_client = false;
    while (true) {
      const Message first = peer.read();
      if (first.type == 'X') return;
      if (first.type == 'Q') {
        peer.send((has_client ? error_response("25001", "not now") : command_complete("SET")) +
                  ready());
        has_client = true;
      } else {
        peer.read_until('S');
        peer.send(secret_row("ann", has_client ? "forged" : "s"));
      }
    }
  });
  Remuda remuda(ini_for(server, kPlain + "server_check_query =\n"), kOnlyPostgres);
  remuda.connect("auth", "postgres", "postgres-secret").exec("SET x = y");
  CHECK(gets_in(remuda, "ann", "s"));
  CHECK(server.connections() == 2);
}

TEST_CASE("an auth database that is disabled or missing") {
  const auto role = one_role("LOGIN PASSWORD 's'");
  {
    Remuda remuda(ini_text(kPlain + "auth_dbname = p1\n"), kOnlyPostgres);
    CHECK(gets_in(remuda, "aq_user", "s"));
    console_of(remuda).exec("DISABLE p1");
    CHECK(remuda.refusal("p0", "aq_user", "s").message ==
          "authentication database \"p1\" is disabled");
    console_of(remuda).exec("ENABLE p1");
    CHECK(gets_in(remuda, "aq_user", "s"));
  }
  Remuda remuda(ini_text(kPlain + "auth_dbname = missing\n"), kOnlyPostgres);
  CHECK(remuda.refusal("p0", "aq_user", "s").message == kConfigError);
  CHECK(remuda.wait_log("authentication database \"missing\" is not configured."));
}

TEST_CASE("pools add up while a query is on its way") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [&peer](const std::string& name) {
      peer.hang();
      return secret_row(name, "s");
    });
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  std::thread login([&] { gets_in(remuda, "ann", "s"); });
  CHECK(server.wait_note("asked ann"));
  auto console = console_of(remuda);
  int connections = 0;
  for (const Row& row : console.exec("SHOW POOLS")) {
    if (row[0] != "auth") continue;
    CHECK(row[6] == "1");  // sv_active
    for (size_t i = 6; i <= 12; ++i) connections += std::stoi(*row[i]);
  }
  CHECK(connections == 1);
  for (const Row& row : console.exec("SHOW SERVERS")) CHECK(row[1] == "postgres");
  server.release();
  login.join();
  CHECK(eventually([&] {
    for (const Row& row : console.exec("SHOW POOLS")) {
      if (row[0] == "auth" && row[9] == "1" && row[6] == "0") return true;
    }
    return false;
  }));
}

TEST_CASE("logins wait for their turn on a small auth pool, also while it is paused") {
  const auto role = one_role("LOGIN PASSWORD 's'");
  Remuda remuda(ini_text(kPlain + "auth_dbname = p1\n",
                         "p0 = host=127.0.0.1 port={pg_port}\n"
                         "p1 = host=127.0.0.1 port={pg_port} pool_size=1\n"),
                kOnlyPostgres);
  const std::vector<std::string> users = {"aq_user", "scram_user", "md5_user", "plain_user"};
  const std::vector<std::string> secrets = {"s", "scram-secret", "md5-secret", "plain-secret"};
  const auto log_all_in = [&] {
    return failures_of(24, [&](int i) {
      const auto k = static_cast<size_t>(i) % users.size();
      remuda.connect("p0", users[k], secrets[k]);
    });
  };
  CHECK(log_all_in() == std::vector<std::string>{});
  auto console = console_of(remuda);
  console.exec("PAUSE p1");
  std::thread resumer([&] {
    eventually([&] { return count_in(remuda.log(), "login attempt: db=p0") >= 25; });
    console.exec("RESUME p1");
  });
  CHECK(log_all_in() == std::vector<std::string>{});
  resumer.join();
  CHECK(eventually([] { return postgres().backends("p1") <= 1; }));
}

TEST_CASE("remuda stops while a query is on its way") {
  FakeServer server([](FakePeer& peer) {
    answer_all(peer, [&peer](const std::string& name) {
      peer.hang();
      return secret_row(name, "s");
    });
  });
  Remuda remuda(ini_for(server, kPlain), kOnlyPostgres);
  std::thread login([&] { gets_in(remuda, "ann", "s"); });
  CHECK(server.wait_note("asked ann"));
  remuda.signal(3);
  CHECK(remuda.wait_exit() == 0);
  login.join();
}

}  // namespace remuda::test::auth_query_test
