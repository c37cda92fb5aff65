// TLS between clients and remuda: who may come in which way, and what is agreed on.
#include "support/catch.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/tls_settings.h"

namespace remuda::test::tls_client_test {
namespace {

constexpr auto kClient = TlsEnd::Role::client;

// "in", or what stopped the login; "broken off" when TLS or the connection ended without words.
template <class LogIn>
std::string outcome_of(LogIn log_in) {
  try {
    log_in();
    return "in";
  } catch (const TlsFailure&) {
    return "broken off";
  } catch (const PeerClosed&) {
    return "broken off";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string in_clear(const Remuda& remuda) {
  return outcome_of([&] { RawClient(remuda.port(), "postgres", "p0"); });
}

std::string by_tls(const Remuda& remuda, const TlsChoices& choices = {}) {
  return outcome_of([&] {
    RawClient client(remuda.port());
    client.secure(choices);
    client.login("postgres", "p0");
  });
}

std::string with_certificate(const Remuda& remuda, const CertificateFiles& own) {
  return by_tls(remuda, {.certificate = own});
}

// "VERSION/CIPHER" of a login that works.
std::string agreed(const Remuda& remuda, const TlsChoices& choices = {}) {
  RawClient client(remuda.port());
  client.secure(choices);
  client.login("postgres", "p0");
  return client.tls()->version() + "/" + client.tls()->cipher();
}

std::string ini_with(const std::string& more) {
  return ini_text(client_tls("require") + more);
}

bool sleeping() {
  return postgres().value(
             "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query "
             "LIKE 'SELECT pg_sleep%'") == "1";
}

// An EC certificate is shown, so these are the TLS 1.2 ciphers that fit.
constexpr const char* kAes128 = "ECDHE-ECDSA-AES128-GCM-SHA256";
constexpr const char* kAes256 = "ECDHE-ECDSA-AES256-GCM-SHA384";

}  // namespace

TEST_CASE("client_tls_sslmode: disable") {
  Remuda remuda(ini_text(client_tls("disable")));
  CHECK(in_clear(remuda) == "in");
  CHECK(by_tls(remuda) == "TLS is refused: N");
  CHECK(with_certificate(remuda, certificates().cert_user) == "TLS is refused: N");
}

TEST_CASE("client_tls_sslmode: allow and prefer take both, and check a certificate that is given") {
  const std::string mode = GENERATE("allow", "prefer");
  Remuda remuda(ini_text(client_tls(mode)));
  CHECK(in_clear(remuda) == "in");
  CHECK(by_tls(remuda) == "in");
  CHECK(with_certificate(remuda, certificates().cert_user) == "in");
  CHECK(with_certificate(remuda, certificates().foreign_user) == "broken off");
  CHECK(with_certificate(remuda, certificates().expired_user) == "broken off");
}

TEST_CASE("client_tls_sslmode: require") {
  Remuda remuda(ini_text(client_tls("require")));
  CHECK(in_clear(remuda) == "SSL required");
  CHECK(by_tls(remuda) == "in");
  CHECK(with_certificate(remuda, certificates().cert_user) == "in");
  CHECK(with_certificate(remuda, certificates().foreign_user) == "broken off");
  CHECK(with_certificate(remuda, certificates().expired_user) == "broken off");
}

TEST_CASE("client_tls_sslmode: verify-ca and verify-full demand a certificate") {
  const std::string mode = GENERATE("verify-ca", "verify-full");
  Remuda remuda(ini_text(client_tls(mode)));
  CHECK(in_clear(remuda) == "SSL required");
  CHECK(by_tls(remuda) == "broken off");
  CHECK(with_certificate(remuda, certificates().cert_user) == "in");
  CHECK(with_certificate(remuda, certificates().foreign_user) == "broken off");
  CHECK(with_certificate(remuda, certificates().expired_user) == "broken off");
  CHECK(remuda.wait_log("TLS handshake"));
}

TEST_CASE("the same with TLS 1.2, where the server speaks last") {
  Remuda remuda(ini_text(client_tls("verify-full")));
  CHECK(by_tls(remuda, {.version = TLS1_2_VERSION}) == "broken off");
  CHECK(by_tls(remuda, {.certificate = certificates().foreign_user, .version = TLS1_2_VERSION}) ==
        "broken off");
  CHECK(by_tls(remuda, {.certificate = certificates().cert_user, .version = TLS1_2_VERSION}) ==
        "in");
}

TEST_CASE("a unix socket has no TLS and needs none") {
  Remuda remuda(ini_text(client_tls("require")));
  CHECK(Pq(unix_address(remuda)).value("SELECT 1") == "1");
  Address address = unix_address(remuda);
  address.options = "sslmode=prefer";
  Pq client(address);
  CHECK(PQsslInUse(client.raw()) == 0);
  CHECK(client.value("SELECT 1") == "1");
}

TEST_CASE("libpq checks our certificate and our name") {
  Remuda remuda(ini_with(""));
  Pq client(tls_address(remuda));
  CHECK(PQsslInUse(client.raw()) == 1);
  CHECK(client.value("SELECT 1") == "1");

  Address by_number = tls_address(remuda);
  by_number.host = "127.0.0.1";
  CHECK(pq_error([&] { Pq{by_number}; }).message.find("does not match host name") !=
        std::string::npos);
  Address distrustful = tls_address(remuda);
  distrustful.options += " sslrootcert=" + certificates().other_authority.file();
  CHECK(pq_error([&] { Pq{distrustful}; }).message.find("certificate verify failed") !=
        std::string::npos);
}

TEST_CASE("a certificate with an RSA key, and one with an Ed25519 key") {
  const KeyKind kind = GENERATE(KeyKind::rsa, KeyKind::ed25519);
  TempDir dir;
  const Authority authority(dir.path(), "own");
  const auto own = authority.issue("own-server", {"localhost", {"DNS:localhost"}, kind});
  Remuda remuda(ini_text(client_tls("require", own)));
  CHECK(by_tls(remuda, {.ca_file = authority.file(), .host = "localhost"}) == "in");
}

TEST_CASE("client_tls_protocols") {
  struct Case {
    const char* setting;
    bool tls12, tls13;
  };
  const auto [setting, tls12, tls13] = GENERATE(values<Case>({{"secure", true, true},
                                                              {"default", true, true},
                                                              {"all", true, true},
                                                              {"tlsv1.2", true, false},
                                                              {"tlsv1.3", false, true},
                                                              {"tlsv1.2,tlsv1.3", true, true},
                                                              {"tlsv1.2:tlsv1.3", true, true},
                                                              {"secure,!tlsv1.2", false, true}}));
  INFO(setting);
  Remuda remuda(ini_with(std::string("client_tls_protocols = ") + setting));
  CHECK(by_tls(remuda, {.version = TLS1_2_VERSION}) == (tls12 ? "in" : "broken off"));
  CHECK(by_tls(remuda, {.version = TLS1_3_VERSION}) == (tls13 ? "in" : "broken off"));
}

TEST_CASE("TLS 1.0 and 1.1 are off unless asked for") {
  Remuda remuda(ini_with(""));
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    // Level 0, or OpenSSL itself would not even try.
    CHECK(by_tls(remuda, {.version = version, .ciphers = "DEFAULT:@SECLEVEL=0"}) == "broken off");
  }
}

TEST_CASE("client_tls_ciphers, in our order") {
  Remuda remuda(ini_with(std::string("client_tls_ciphers = ") + kAes256 + ":" + kAes128));
  const auto offering = [](const std::string& list) {
    return TlsChoices{.version = TLS1_2_VERSION, .ciphers = list};
  };
  CHECK(agreed(remuda, offering(std::string(kAes128) + ":" + kAes256)) ==
        std::string("TLSv1.2/") + kAes256);
  CHECK(agreed(remuda, offering(kAes128)) == std::string("TLSv1.2/") + kAes128);
  CHECK(by_tls(remuda, offering("ECDHE-ECDSA-CHACHA20-POLY1305")) == "broken off");
}

TEST_CASE("client_tls13_ciphers") {
  Remuda remuda(ini_with("client_tls13_ciphers = TLS_AES_128_GCM_SHA256"));
  CHECK(agreed(remuda) == "TLSv1.3/TLS_AES_128_GCM_SHA256");
  CHECK(by_tls(remuda, {.version = TLS1_3_VERSION, .suites = "TLS_AES_256_GCM_SHA384"}) ==
        "broken off");
}

TEST_CASE("client_tls_ecdhcurve") {
  Remuda remuda(ini_with("client_tls_ecdhcurve = secp384r1"));
  CHECK(by_tls(remuda, {.groups = "P-384"}) == "in");
  CHECK(by_tls(remuda, {.groups = "X25519:P-384"}) == "in");
  CHECK(by_tls(remuda, {.groups = "X25519"}) == "broken off");
}

TEST_CASE("client_tls_ecdhcurve and client_tls_dheparams: auto and none leave it to OpenSSL") {
  const std::string word = GENERATE("auto", "none");
  Remuda remuda(ini_with("client_tls_ecdhcurve = " + word + "\nclient_tls_dheparams = " + word));
  CHECK(by_tls(remuda, {.groups = "X25519"}) == "in");
  CHECK(by_tls(remuda, {.groups = "P-256"}) == "in");
}

TEST_CASE("direct TLS, with the protocol's name or without one") {
  Remuda remuda(ini_with(""));
  for (const std::vector<std::string>& protocols :
       {std::vector<std::string>{}, {"postgresql"}, {"h2", "postgresql"}}) {
    RawClient client(remuda.port());
    client.start_tls(kClient, {.protocols = protocols});
    CHECK(client.tls()->protocol() == (protocols.empty() ? "" : "postgresql"));
    client.login("postgres", "p0");
    CHECK(client.value("SELECT 1") == "1");
  }
}

TEST_CASE("TLS on request agrees on the protocol's name too") {
  Remuda remuda(ini_with(""));
  RawClient client(remuda.port());
  client.secure({.protocols = {"postgresql"}});
  CHECK(client.tls()->protocol() == "postgresql");
}

TEST_CASE("direct TLS for another protocol gets the alert of that name") {
  Remuda remuda(ini_with(""));
  RawClient client(remuda.port());
  std::string alert;
  try {
    client.start_tls(kClient, {.protocols = {"http/1.1"}});
  } catch (const TlsFailure& failure) {
    alert = failure.what();
  }
  CHECK(alert.find("no application protocol") != std::string::npos);
}

TEST_CASE("direct TLS demands a certificate where the mode does") {
  Remuda remuda(ini_text(client_tls("verify-full")));
  const auto direct = [&](const CertificateFiles& own) {
    return outcome_of([&] {
      RawClient client(remuda.port());
      client.start_tls(kClient, {.certificate = own, .protocols = {"postgresql"}});
      client.login("postgres", "p0");
    });
  };
  CHECK(direct(certificates().cert_user) == "in");
  CHECK(direct({}) == "broken off");
}

TEST_CASE("direct TLS where there is none") {
  Remuda remuda;
  RawClient client(remuda.port());
  CHECK_THROWS(client.start_tls(kClient, {.protocols = {"postgresql"}}));
  CHECK(in_clear(remuda) == "in");
}

TEST_CASE("a session is resumed") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Remuda remuda(ini_with(""));
  RawClient first(remuda.port());
  first.secure({.version = version});
  first.login("postgres", "p0");
  CHECK_FALSE(first.tls()->resumed());
  const auto session = first.tls()->session();

  RawClient second(remuda.port());
  second.secure({.version = version, .resumed = session.get()});
  second.login("postgres", "p0");
  CHECK(second.tls()->resumed());
  CHECK(second.value("SELECT 1") == "1");
}

TEST_CASE("SHOW CLIENTS and the log tell what was agreed on") {
  Remuda remuda(ini_text(client_tls("prefer")));
  const auto shown = [&](Address address, const std::string& name) {
    address.options += " application_name=" + name;
    const Pq client(address);
    for (const auto& record : remuda.show("CLIENTS")) {
      if (record.at("application_name") == name) return record.at("tls");
    }
    return std::string("(no such client)");
  };
  CHECK(shown(remuda.address(), "plain") == "");
  CHECK(remuda.wait_log("user=postgres tls=no"));
  CHECK(shown(tls_address(remuda), "newer").find("TLSv1.3/TLS_AES_256_GCM_SHA384") == 0);
  CHECK(remuda.wait_log("user=postgres tls=TLSv1.3/"));
  Address address = tls_address(remuda);
  address.options += " ssl_max_protocol_version=TLSv1.2";
  const std::string text = shown(address, "older");
  CHECK(text.find("TLSv1.2/ECDHE-ECDSA-") == 0);
  CHECK(text.find("/ECDH=") != std::string::npos);
}

TEST_CASE("a cancel request is taken inside TLS and, as libpq sends it, in clear") {
  Remuda remuda(ini_with("default_pool_size = 1\n"));
  RawClient client(remuda.port());
  client.secure();
  client.login("postgres", "p0");
  for (const bool inside : {true, false}) {
    INFO(inside);
    client.send(query("SELECT pg_sleep(600)"));
    REQUIRE(eventually(sleeping));
    RawClient request(remuda.port());
    if (inside) request.secure();
    request.send(cancel_request(client.key()));
    CHECK(request.read_rest().empty());
    const auto messages = client.read_until('Z');
    REQUIRE(messages.size() >= 2);
    CHECK(notice_fields(messages[messages.size() - 2])['C'] == "57014");
  }
  CHECK(client.value("SELECT 1") == "1");
}

}  // namespace remuda::test::tls_client_test
