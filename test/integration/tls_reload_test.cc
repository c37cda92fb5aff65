// TLS files and settings: bad ones at the start, new and bad ones later, changes under load.
#include <signal.h>

#include <atomic>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/threads.h"
#include "support/tls_settings.h"

namespace remuda::test::tls_reload_test {
namespace {

constexpr const char* kKept = "TLS configuration could not be reloaded, keeping old configuration";

// A certificate for localhost that can be told from others, in files that tests overwrite.
CertificateFiles renew(const TempDir& dir, const std::string& name) {
  const Authority authority(dir.path(), "reloaded");
  return authority.issue("current", {name, {"DNS:localhost"}});
}

// The common name that a new client is shown.
std::string shown(const Remuda& remuda, const TlsChoices& choices = {}) {
  RawClient client(remuda.port());
  client.secure(choices);
  return client.tls()->peer_name();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string server_pid(Pq& client) {
  return client.value("SELECT pg_backend_pid()");
}

std::string to_tls_server() {
  return database_at("localhost", postgres_with_tls().port());
}

}  // namespace

TEST_CASE("TLS settings that cannot work stop the start and are named") {
  TempDir dir;
  const Certificates& all = certificates();
  write_file(dir.file("garbage"), "this is no certificate\n");
  const auto locked = all.authority.issue("locked", {"localhost", {}, KeyKind::ec, false, "word"});
  const std::string good = client_tls("require");
  const std::string garbage = dir.file("garbage");
  const std::string missing = dir.file("missing");
  const std::vector<std::pair<std::string, std::string>> cases{
      {"client_tls_cert_file = " + missing, missing},
      {"client_tls_key_file = " + missing, missing},
      {"client_tls_ca_file = " + missing, missing},
      {"client_tls_cert_file = " + garbage, garbage},
      {"client_tls_key_file = " + garbage, garbage},
      {"client_tls_ca_file = " + garbage, garbage},
      {"client_tls_cert_file =", "client_tls_cert_file"},
      {"client_tls_key_file =", "client_tls_key_file"},
      {"client_tls_key_file = " + all.cert_user.key, all.cert_user.key},
      {"client_tls_cert_file = " + locked.cert + "\nclient_tls_key_file = " + locked.key,
       locked.key},
      {"client_tls_sslmode = verify-full\nclient_tls_ca_file =", "client_tls_ca_file"},
      {"client_tls_protocols = tlsv1.7", "tlsv1.7"},
      {"client_tls_protocols = legacy", "legacy"},
      {"client_tls_ciphers = NONSENSE", "NONSENSE"},
      {"client_tls13_ciphers = NONSENSE", "NONSENSE"},
      {"client_tls_ecdhcurve = nonsense", "nonsense"},
      {"client_tls_dheparams = legacy", "legacy"},
      {"server_tls_sslmode = verify-full\nserver_tls_ca_file = " + missing, missing},
      {"server_tls_sslmode = require\nserver_tls_cert_file = " + missing +
           "\nserver_tls_key_file = " + missing,
       missing},
      {"server_tls_sslmode = require\nserver_tls_protocols = tlsv9", "tlsv9"},
      {"server_tls_sslmode = require\nserver_tls_ciphers = NONSENSE", "NONSENSE"},
  };
  for (const auto& [setting, named] : cases) {
    const auto [code, output] = failed_start(ini_text(good + setting));
    INFO(setting << "\n" << output);
    CHECK(code == 1);
    CHECK(has(output, named));
  }
}

TEST_CASE("RELOAD with bad files keeps what was, and says so") {
  TempDir dir;
  const auto files = renew(dir, "first");
  Remuda remuda(ini_text(client_tls("require", files)));
  Pq client(tls_address(remuda, "postgres", "", "require"));
  write_file(files.cert, "no certificate\n");
  const auto refused = pq_error([&] { remuda.reload(); });
  CHECK(refused.sqlstate == "F0000");
  CHECK(refused.message == "RELOAD failed, see logs for additional details");
  CHECK(remuda.wait_log(kKept));
  CHECK(shown(remuda) == "first");
  CHECK(client.value("SELECT 1") == "1");

  renew(dir, "second");
  remuda.reload();
  CHECK(shown(remuda) == "second");
}

TEST_CASE("SIGHUP with bad files keeps what was, and says so") {
  TempDir dir;
  const auto files = renew(dir, "first");
  Remuda remuda(ini_text(client_tls("require", files)));
  write_file(files.key, "no key\n");
  remuda.signal(SIGHUP);
  CHECK(remuda.wait_log(kKept));
  CHECK(shown(remuda) == "first");
}

TEST_CASE("SET that cannot work: a notice, and what was stays") {
  Remuda remuda(ini_text(client_tls("require")));
  Pq console = remuda.console();
  console.exec("SET client_tls_cert_file = '/nowhere/at.all'");
  REQUIRE(console.notices().size() == 1);
  CHECK(has(console.notices()[0],
            "TLS settings could not be applied, still using old configuration"));
  CHECK(shown(remuda) == "localhost");
}

TEST_CASE("SET and RELOAD turn TLS on and off for new clients") {
  Remuda remuda(ini_text(client_tls("disable")));
  RawClient before(remuda.port());
  CHECK(before.request_tls() == "N");
  Pq console = remuda.console();
  console.exec("SET client_tls_sslmode = 'require'");
  CHECK(shown(remuda) == "localhost");
  CHECK(remuda.refusal("p0").message == "SSL required");
  console.exec("RELOAD");
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

TEST_CASE("a new certificate is shown to new clients at once, and old ones go on") {
  TempDir dir;
  const auto files = renew(dir, "first");
  Remuda remuda(ini_text(client_tls("require", files)));
  RawClient old(remuda.port());
  old.secure();
  old.login("postgres", "p0");
  for (const char* name : {"second", "third"}) {
    renew(dir, name);
    remuda.reload();
    for (int i = 0; i < 8; ++i) CHECK(shown(remuda) == name);
    CHECK(old.value("SELECT 1") == "1");
  }
}

TEST_CASE("a session from before the change is not resumed under the new certificate") {
  TempDir dir;
  const auto files = renew(dir, "first");
  Remuda remuda(ini_text(client_tls("require", files)));
  RawClient old(remuda.port());
  old.secure();
  old.login("postgres", "p0");
  const auto session = old.tls()->session();
  renew(dir, "second");
  remuda.reload();
  RawClient fresh(remuda.port());
  fresh.secure({.resumed = session.get()});
  CHECK_FALSE(fresh.tls()->resumed());
  CHECK(fresh.tls()->peer_name() == "second");
}

TEST_CASE("an authority that is dropped lets nobody in any more, not even by an old session") {
  Remuda remuda(ini_text(client_tls("verify-full")));
  const TlsChoices own{.certificate = certificates().cert_user, .version = TLS1_2_VERSION};
  RawClient old(remuda.port());
  old.secure(own);
  old.login("postgres", "p0");
  const auto session = old.tls()->session();
  remuda.write_ini(ini_text(client_tls("verify-full") + "client_tls_ca_file = " +
                            certificates().other_authority.file() + "\n"));
  remuda.reload();
  TlsChoices again = own;
  again.resumed = session.get();
  RawClient fresh(remuda.port());
  CHECK_THROWS(fresh.secure(again));
}

TEST_CASE("twenty new certificates while clients run queries and log in") {
  TempDir dir;
  const auto files = renew(dir, "certificate 0");
  Remuda remuda(
      ini_text(client_tls("require", files) + server_tls("verify-full"), to_tls_server()));
  std::atomic<bool> done{false};
  std::vector<std::string> reloading;
  std::thread changer([&] {
    reloading = failures_of(1, [&](int) {
      for (int round = 1; round <= 20; ++round) {
        const std::string name = "certificate " + std::to_string(round);
        renew(dir, name);
        remuda.reload();
        if (shown(remuda) != name) throw std::runtime_error("an old certificate is shown");
      }
    });
    done = true;
  });
  const auto failures = failures_of(8, [&](int number) {
    const Address address = tls_address(remuda, "postgres", "", "require");
    Pq client(address);
    const std::string mark = std::to_string(number);
    while (!done) {
      // Half of them log in anew each time.
      if (number % 2 == 0) client = Pq(address);
      if (client.value("SELECT " + mark) != mark) throw std::runtime_error("a wrong answer");
    }
  });
  changer.join();
  CHECK(failures == std::vector<std::string>{});
  CHECK(reloading == std::vector<std::string>{});
}

TEST_CASE("a changed server-side setting replaces the servers, an unchanged RELOAD does not") {
  Remuda remuda(ini_text(server_tls("disable"), to_tls_server()));
  Pq client = remuda.connect();
  const char* encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  CHECK(client.value(encrypted) == "f");
  remuda.write_ini(ini_text(server_tls("require"), to_tls_server()));
  remuda.reload();
  CHECK(eventually([&] { return client.value(encrypted) == "t"; }));
  const std::string pid = server_pid(client);
  remuda.reload();
  CHECK(server_pid(client) == pid);
}

TEST_CASE("new content of a server-side file leaves the servers alone, and is used by new ones") {
  TempDir dir;
  const std::string file = dir.file("authorities");
  write_file(file, read_file(certificates().authority.file()));
  const std::string settings = "server_tls_sslmode = verify-ca\nserver_tls_ca_file = " + file +
                               "\nclient_login_timeout = 2\nserver_login_retry = 0.2\n";
  Remuda remuda(ini_text(settings, to_tls_server()));
  Pq client = remuda.connect();
  const std::string pid = server_pid(client);
  write_file(file, read_file(certificates().other_authority.file()));
  remuda.reload();
  CHECK(server_pid(client) == pid);
  remuda.console().exec("RECONNECT");
  CHECK(pq_error([&] { remuda.connect().value("SELECT 1"); }).message != "no error");
  CHECK(remuda.wait_log("certificate verify failed"));
}

TEST_CASE("a bad server-side file keeps the old set-up") {
  TempDir dir;
  const std::string file = dir.file("authorities");
  write_file(file, read_file(certificates().authority.file()));
  Remuda remuda(
      ini_text("server_tls_sslmode = verify-full\nserver_tls_ca_file = " + file, to_tls_server()));
  CHECK(remuda.connect().value("SELECT 1") == "1");
  write_file(file, "nothing\n");
  CHECK(pq_error([&] { remuda.reload(); }).sqlstate == "F0000");
  CHECK(remuda.wait_log(kKept));
  remuda.console().exec("RECONNECT");
  CHECK(remuda.connect().value("SELECT 1") == "1");
}

}  // namespace remuda::test::tls_reload_test
