#include "io/tls_context.h"

#include "remuda/base/error.h"
#include "support/catch.h"
#include "unit/io/tls_fixture.h"

namespace remuda::io::tls_context_test {

using remuda::test::Authority;
using remuda::test::certificates;
using remuda::test::KeyKind;
using remuda::test::TempDir;
using remuda::test::TlsChoices;
using remuda::test::TlsEnd;
using remuda::test::TlsFailure;
using Step = TlsSession::Step;

namespace {

constexpr int kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

// What is wrong with these options; empty: nothing.
std::string fault_of(const TlsOptions& options, bool accepts = true) {
  try {
    accepts ? TlsContext::for_accepting(options) : TlsContext::for_connecting(options);
  } catch (const PgError& error) {
    return error.what();
  }
  return "";
}

template <class Change>
std::string fault_with(const Change& change) {
  TlsOptions options = accepting_options();
  change(options);
  return fault_of(options);
}

// What a client of these choices gets of a server of these options: version/cipher, or "refused".
std::string agreed(const TlsOptions& options, TlsChoices choices) {
  TlsSession ours(TlsContext::for_accepting(options));
  TlsEnd theirs(TlsEnd::Role::client, choices);
  try {
    if (shake(ours, theirs) != Step::done) return "refused";
  } catch (const TlsFailure&) {
    return "refused";
  }
  return theirs.version() + "/" + theirs.cipher();
}

// Versions that are spoken, a digit each: 0123.
std::string versions_of(const std::string& protocols) {
  TlsOptions options = accepting_options();
  options.protocols = protocols;
  options.ciphers = "DEFAULT:@SECLEVEL=0";
  std::string digits;
  for (int i = 0; i < 4; ++i) {
    TlsChoices choices = peer_choices(kVersions[i]);
    choices.ciphers = "DEFAULT:@SECLEVEL=0";
    if (agreed(options, choices) != "refused") digits += static_cast<char>('0' + i);
  }
  return digits;
}

}  // namespace

TEST_CASE("certificate and key", "[tls]") {
  CHECK(fault_of(accepting_options()).empty());
  CHECK(fault_of(TlsOptions()) == "TLS needs a certificate file and a key file");
  CHECK(fault_of(TlsOptions(), false).empty());
  CHECK(fault_with([](TlsOptions& o) { o.key_file.clear(); }) ==
        "TLS certificate file without a key file");
  CHECK(fault_with([](TlsOptions& o) { o.cert_file.clear(); }) ==
        "TLS key file without a certificate file");
  CHECK(fault_with([](TlsOptions& o) { o.cert_file = "/nowhere/x.crt"; }) ==
        "TLS certificate file /nowhere/x.crt: No such file or directory");
  CHECK(fault_with([](TlsOptions& o) { o.key_file = "/nowhere/x.key"; }) ==
        "TLS key file /nowhere/x.key: No such file or directory");
  CHECK(fault_with([](TlsOptions& o) { o.key_file = certificates().cert_user.key; }) ==
        "TLS key file " + certificates().cert_user.key + ": key values mismatch");
  const TempDir dir;
  const std::string broken = dir.file("broken");
  for (const std::string content : {"", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    remuda::test::write_file(broken, content);
    CHECK_THAT(fault_with([&](TlsOptions& o) { o.cert_file = broken; }),
               Catch::StartsWith("TLS certificate file " + broken + ": "));
    CHECK_THAT(fault_with([&](TlsOptions& o) { o.key_file = broken; }),
               Catch::StartsWith("TLS key file " + broken + ": "));
    CHECK_THAT(fault_with([&](TlsOptions& o) { o.ca_file = broken; }),
               Catch::StartsWith("TLS CA file " + broken + ": "));
  }
  CHECK_THAT(fault_with([&](TlsOptions& o) { o.cert_file = dir.path(); }),
             Catch::StartsWith("TLS certificate file " + dir.path() + ": "));
}

TEST_CASE("a key under a passphrase is refused, and nobody is asked for one", "[tls]") {
  const TempDir dir;
  const Authority authority(dir.path(), "authority");
  const auto locked = authority.issue("locked", {"localhost", {}, KeyKind::ec, false, "sesame"});
  TlsOptions options;
  options.cert_file = locked.cert;
  options.key_file = locked.key;
  CHECK_THAT(fault_of(options), Catch::StartsWith("TLS key file " + locked.key + ": "));
  CHECK(fault_of(options) != "TLS key file " + locked.key + ": ");
}

TEST_CASE("certificates of every kind of key", "[tls]") {
  const TempDir dir;
  const Authority authority(dir.path(), "authority", KeyKind::rsa);
  for (const KeyKind kind : {KeyKind::ec, KeyKind::rsa, KeyKind::ed25519}) {
    const auto files = authority.issue("server", {"localhost", {}, kind});
    TlsOptions options;
    options.cert_file = files.cert;
    options.key_file = files.key;
    const auto context = TlsContext::for_accepting(options);
    CHECK(context->is_accepting());
    CHECK(context->end_point_hash().size() == 32);
    CHECK(agreed(options, peer_choices()) == "TLSv1.3/TLS_AES_256_GCM_SHA384");
  }
}

TEST_CASE("authorities", "[tls]") {
  CHECK(fault_with([](TlsOptions& o) { o.ca_file = certificates().authority.file(); }).empty());
  CHECK(fault_with([](TlsOptions& o) { o.ca_file = "/nowhere/ca"; }) ==
        "TLS CA file /nowhere/ca: No such file or directory");
  // Those of the system know nothing of ours.
  TlsOptions options;
  options.peer_check = PeerCheck::required;
  TlsSession ours(TlsContext::for_connecting(options), TlsTarget());
  TlsEnd theirs(TlsEnd::Role::server, server_choices());
  CHECK(shake(ours, theirs) == Step::failed);
}

TEST_CASE("protocols, in PgBouncer's words", "[tls]") {
  CHECK(versions_of("secure") == "23");
  CHECK(versions_of("default") == "23");
  CHECK(versions_of("all") == "0123");
  CHECK(versions_of("tlsv1") == "0123");
  CHECK(versions_of("tlsv1.0") == "0");
  CHECK(versions_of("tlsv1.1") == "1");
  CHECK(versions_of("TLSv1.2") == "2");
  CHECK(versions_of("tlsv1.3") == "3");
  CHECK(versions_of("tlsv1.2, tlsv1.3") == "23");
  CHECK(versions_of("tlsv1.0:tlsv1.2") == "02");
  CHECK(versions_of("!tlsv1.3") == "012");
  CHECK(versions_of("secure,!tlsv1.2") == "3");
  const auto fault = [](const std::string& list) {
    return fault_with([&](TlsOptions& o) { o.protocols = list; });
  };
  const std::string allowed =
      " is unknown (allowed: tlsv1.0, tlsv1.1, tlsv1.2, tlsv1.3, all, secure, and ! in front to "
      "exclude)";
  CHECK(fault("sslv3") == "TLS protocol \"sslv3\"" + allowed);
  CHECK(fault("tlsv1.2,") == "TLS protocol \"\"" + allowed);
  CHECK(fault("") == "TLS protocol \"\"" + allowed);
  CHECK(fault("!nonsense") == "TLS protocol \"nonsense\"" + allowed);
  CHECK(fault("!all") == "no TLS protocol is left of \"!all\"");
  CHECK(fault("tlsv1.2,!tlsv1.2") == "no TLS protocol is left of \"tlsv1.2,!tlsv1.2\"");
  // What is taken away does not come back.
  CHECK(fault("tlsv1.2,!tlsv1.2,!tlsv1.0") ==
        "no TLS protocol is left of \"tlsv1.2,!tlsv1.2,!tlsv1.0\"");
}

TEST_CASE("ciphers up to TLS 1.2", "[tls]") {
  TlsOptions options = accepting_options();
  options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  CHECK(agreed(options, peer_choices(TLS1_2_VERSION)) == "TLSv1.2/ECDHE-ECDSA-AES128-GCM-SHA256");
  CHECK(agreed(options, peer_choices(TLS1_3_VERSION)) == "TLSv1.3/TLS_AES_256_GCM_SHA384");
  // The server's order counts.
  options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
  TlsChoices choices = peer_choices(TLS1_2_VERSION);
  choices.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
  CHECK(agreed(options, choices) == "TLSv1.2/ECDHE-ECDSA-AES128-GCM-SHA256");
  for (const std::string word : {"default", "secure", "normal", "fast", "", "Secure"}) {
    options.ciphers = word;
    CHECK(agreed(options, peer_choices(TLS1_2_VERSION)) == "TLSv1.2/ECDHE-ECDSA-AES256-GCM-SHA384");
  }
  CHECK(fault_with([](TlsOptions& o) { o.ciphers = "nonsense"; }) ==
        "failed to set the ciphers \"nonsense\": no cipher match");
}

TEST_CASE("cipher suites of TLS 1.3", "[tls]") {
  TlsOptions options = accepting_options();
  options.tls13_ciphers = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
  CHECK(agreed(options, peer_choices()) == "TLSv1.3/TLS_CHACHA20_POLY1305_SHA256");
  TlsChoices choices = peer_choices();
  choices.suites = "TLS_AES_256_GCM_SHA384";
  CHECK(agreed(options, choices) == "refused");
  const std::string fault = fault_with([](TlsOptions& o) { o.tls13_ciphers = "nonsense"; });
  CHECK_THAT(fault, Catch::StartsWith("failed to set the TLSv1.3 cipher suites \"nonsense\""));
}

TEST_CASE("key exchange", "[tls]") {
  for (const std::string word : {"auto", "none", "", "AUTO"}) {
    CHECK(fault_with([&](TlsOptions& o) { o.curve = word; }).empty());
  }
  TlsOptions options = accepting_options();
  options.curve = "P-384";
  TlsChoices choices = peer_choices();
  choices.groups = "X25519";
  CHECK(agreed(options, choices) == "refused");
  choices.groups = "X25519:P-384";
  CHECK(agreed(options, choices) != "refused");
  CHECK(fault_with([](TlsOptions& o) { o.curve = "prime256v1"; }).empty());
  CHECK(fault_with([](TlsOptions& o) { o.curve = "nonsense"; }) ==
        "TLS curve \"nonsense\" is unknown");
  CHECK(fault_with([](TlsOptions& o) { o.dheparams = "none"; }).empty());
  CHECK(fault_with([](TlsOptions& o) { o.dheparams = "legacy"; }) ==
        "TLS dheparams \"legacy\" is unknown (allowed: auto, none)");
}

TEST_CASE("finite fields serve only where they are allowed", "[tls]") {
  const TempDir dir;
  const Authority authority(dir.path(), "authority", KeyKind::rsa);
  const auto files = authority.issue("server", {"localhost", {}, KeyKind::rsa});
  TlsOptions options;
  options.cert_file = files.cert;
  options.key_file = files.key;
  options.ciphers = "DHE-RSA-AES128-GCM-SHA256";
  CHECK(agreed(options, peer_choices(TLS1_2_VERSION)) == "TLSv1.2/DHE-RSA-AES128-GCM-SHA256");
  options.dheparams = "none";
  CHECK(agreed(options, peer_choices(TLS1_2_VERSION)) == "refused");
}

TEST_CASE("what failed leaves nothing in OpenSSL's queue", "[tls]") {
  CHECK(!fault_with([](TlsOptions& o) { o.cert_file = o.key_file; }).empty());
  CHECK(tls_error_text().empty());
  CHECK(fault_of(accepting_options()).empty());
  CHECK(tls_error_text().empty());
}

}  // namespace remuda::io::tls_context_test
