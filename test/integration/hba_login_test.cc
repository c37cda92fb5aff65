// Logins by the rules of an HBA file: which rule is taken, and what it does.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/tls_settings.h"

namespace remuda::test::hba_login_test {
namespace {

constexpr const char* kRejected = "08P01 login rejected";
constexpr const char* kNoRule = "08P01 no authentication method is found";
constexpr const char* kWrong = "08P01 password authentication failed";

// remuda by rules; the console is open to postgres over the unix socket.
struct ByRules {
  TempDir dir;
  Remuda remuda;

  explicit ByRules(const std::string& rules)
      : remuda(ini_text(client_tls("allow") + hba_settings(rules),
                        "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n"
                        "p1 = host=127.0.0.1 port={pg_port} user=trust_user\n")) {}

  std::string hba_settings(const std::string& rules) {
    write(rules);
    return "auth_type = hba\nauth_hba_file = " + dir.file("hba") + "\n";
  }
  void write(const std::string& rules) {
    write_file(dir.file("hba"), "local pgbouncer postgres trust\n" + rules);
  }
};

// "in", or the refusal.
std::string outcome(const Address& address) {
  const PqError error = pq_error([&] { Pq(address).value("SELECT 1"); });
  return error.message == "no error" ? "in" : error.sqlstate + " " + error.message;
}

std::string by_tcp(const Remuda& remuda, const std::string& user,
                   const std::string& password = "") {
  return outcome(remuda.address("p0", user, password));
}
std::string by_tls(const Remuda& remuda, const std::string& user,
                   const std::string& password = "") {
  return outcome(tls_address(remuda, user, password));
}
std::string by_unix(const Remuda& remuda, const std::string& user,
                    const std::string& password = "") {
  return outcome(unix_address(remuda, user, password));
}

}  // namespace

TEST_CASE("host means TCP with and without TLS, hostssl and hostnossl one of them, local neither") {
  {
    ByRules by("host all all all trust\n");
    CHECK(by_tcp(by.remuda, "md5_user") == "in");
    CHECK(by_tls(by.remuda, "md5_user") == "in");
    CHECK(by_unix(by.remuda, "md5_user") == kNoRule);
  }
  {
    ByRules by("hostssl all all all trust\n");
    CHECK(by_tcp(by.remuda, "md5_user") == kNoRule);
    CHECK(by_tls(by.remuda, "md5_user") == "in");
    CHECK(by_unix(by.remuda, "md5_user") == kNoRule);
  }
  {
    ByRules by("hostnossl all all all trust\n");
    CHECK(by_tcp(by.remuda, "md5_user") == "in");
    CHECK(by_tls(by.remuda, "md5_user") == kNoRule);
    CHECK(by_unix(by.remuda, "md5_user") == kNoRule);
  }
  ByRules by("local all all trust\n");
  CHECK(by_tcp(by.remuda, "md5_user") == kNoRule);
  CHECK(by_tls(by.remuda, "md5_user") == kNoRule);
  CHECK(by_unix(by.remuda, "md5_user") == "in");
}

TEST_CASE("the same over direct TLS") {
  ByRules by("hostssl all md5_user all trust\nhost all all all reject\n");
  RawClient client(by.remuda.port());
  client.start_tls(TlsEnd::Role::client, {.protocols = {"postgresql"}});
  client.login("md5_user", "p0");
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("reject") {
  ByRules by("host all md5_user all reject\nlocal all md5_user reject\nhost all all all trust\n");
  CHECK(by_tcp(by.remuda, "md5_user") == kRejected);
  CHECK(by_tls(by.remuda, "md5_user") == kRejected);
  CHECK(by_unix(by.remuda, "md5_user") == kRejected);
  CHECK(by_tcp(by.remuda, "plain_user") == "in");
}

TEST_CASE("the first rule that fits is the one, even if a later one would let in") {
  ByRules by("host all scram_user all md5\nhost all all all reject\nhost all all all trust\n");
  CHECK(by_tcp(by.remuda, "scram_user", "scram-secret") == "in");
  CHECK(by_tcp(by.remuda, "scram_user", "wrong") == kWrong);
  CHECK(by_tcp(by.remuda, "md5_user", "md5-secret") == kRejected);
}

TEST_CASE("a method for each user, over each transport") {
  ByRules by(
      "host all trust_user all trust\nlocal all trust_user trust\n"
      "host all plain_user all password\nlocal all plain_user password\n"
      "host all md5_user all md5\nlocal all md5_user md5\n"
      "host all scram_user all scram-sha-256\nlocal all scram_user scram-sha-256\n");
  for (const auto way : {by_tcp, by_tls, by_unix}) {
    CHECK(way(by.remuda, "trust_user", "") == "in");
    CHECK(way(by.remuda, "plain_user", "plain-secret") == "in");
    CHECK(way(by.remuda, "plain_user", "wrong") == kWrong);
    CHECK(way(by.remuda, "md5_user", "md5-secret") == "in");
    CHECK(way(by.remuda, "md5_user", "wrong") == kWrong);
    CHECK(way(by.remuda, "scram_user", "scram-secret") == "in");
    CHECK(way(by.remuda, "scram_user", "wrong") == "08P01 SASL authentication failed");
    CHECK(way(by.remuda, "postgres", "postgres-secret") == kNoRule);
  }
}

TEST_CASE("a scram rule inside TLS takes channel binding") {
  ByRules by("hostssl all all all scram-sha-256\n");
  Address address = tls_address(by.remuda, "scram_user", "scram-secret");
  address.options += " channel_binding=require";
  CHECK(outcome(address) == "in");
}

TEST_CASE("rules by database, user and address") {
  ByRules by(
      "host p1 all 127.0.0.1/32 trust\n"
      "host p0 \"md5_user\",plain_user 127.0.0.0/8 trust\n"
      "host all all 10.0.0.0/8 trust\n"
      "host all scram_user 127.0.0.1 255.255.255.255 reject\n");
  CHECK(outcome(by.remuda.address("p1", "scram_user")) == "in");
  CHECK(by_tcp(by.remuda, "md5_user") == "in");
  CHECK(by_tcp(by.remuda, "plain_user") == "in");
  CHECK(by_tcp(by.remuda, "trust_user") == kNoRule);
  CHECK(by_tcp(by.remuda, "scram_user") == kRejected);
}

TEST_CASE("lists of names from another file") {
  ByRules by("host all @friends all trust\n");
  write_file(by.dir.file("friends"), "md5_user\nplain_user, scram_user\n");
  by.remuda.reload();
  CHECK(by_tcp(by.remuda, "md5_user") == "in");
  CHECK(by_tcp(by.remuda, "scram_user") == "in");
  CHECK(by_tcp(by.remuda, "trust_user") == kNoRule);
}

TEST_CASE("a bad line is skipped with a warning and the rest is used") {
  ByRules by(
      "host all all all telepathy\nhost all all 300.0.0.1/32 trust\n"
      "host all md5_user all trust\n");
  CHECK(by_tcp(by.remuda, "md5_user") == "in");
  CHECK(by_tcp(by.remuda, "plain_user") == kNoRule);
  CHECK(by.remuda.log().find("telepathy") != std::string::npos);
  CHECK(by.remuda.log().find("WARNING") != std::string::npos);
}

TEST_CASE("new rules hold after RELOAD, and for new logins only") {
  ByRules by("host all all all trust\n");
  Pq old(by.remuda.address("p0", "md5_user"));
  by.write("host all all all reject\n");
  by.remuda.reload();
  CHECK(by_tcp(by.remuda, "md5_user") == kRejected);
  CHECK(old.value("SELECT 1") == "1");
}

TEST_CASE("without a file nobody gets in") {
  Remuda remuda(ini_text("auth_type = hba\nauth_hba_file = {dir}/missing"));
  CHECK(by_tcp(remuda, "md5_user", "md5-secret") == kNoRule);
  CHECK(by_unix(remuda, "md5_user", "md5-secret") == kNoRule);
}

TEST_CASE("rules do not tell a stranger whether a user exists") {
  ByRules by("host all all all scram-sha-256\n");
  CHECK(by_tcp(by.remuda, "nobody", "x") == "08P01 SASL authentication failed");
  CHECK(by_tcp(by.remuda, "scram_user", "x") == "08P01 SASL authentication failed");
}

TEST_CASE("the console is subject to the rules") {
  ByRules by("host pgbouncer postgres all scram-sha-256\nhost all all all trust\n");
  CHECK(outcome(by.remuda.address("pgbouncer", "postgres", "wrong")) ==
        "08P01 SASL authentication failed");
  CHECK(pq_error([&] {
          Pq(by.remuda.address("pgbouncer", "postgres", "postgres-secret")).exec("SHOW VERSION");
        }).message == "no error");
}

TEST_CASE("a name that auth_query spells otherwise is no way around a rule") {
  TempDir dir;
  write_file(
      dir.file("hba"),
      "local pgbouncer postgres trust\nhost all md5_user all reject\nhost all all all password\n");
  Remuda remuda(ini_text("auth_type = hba\nauth_hba_file = " + dir.file("hba") +
                             "\nauth_user = postgres\n"
                             "auth_query = SELECT lower($1::text), 'clear-secret'\n",
                         "p0 = host=127.0.0.1 port={pg_port} user=trust_user\n"),
                "\"postgres\" \"postgres-secret\"\n");
  CHECK(by_tcp(remuda, "md5_user", "clear-secret") == kRejected);
  CHECK(by_tcp(remuda, "MD5_user", "clear-secret") == kRejected);
  CHECK(by_tcp(remuda, "MD5_user", "wrong") == kWrong);
  CHECK(by_tcp(remuda, "Scram_User", "clear-secret") == "in");
}

}  // namespace remuda::test::hba_login_test
