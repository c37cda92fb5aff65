#include "io/tls_session.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "support/catch.h"
#include "unit/io/tls_fixture.h"

namespace remuda::io::tls_session_test {

using remuda::test::certificates;
using remuda::test::TlsChoices;
using remuda::test::TlsEnd;
using Step = TlsSession::Step;
using Opened = TlsSession::Opened;

namespace {

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

// A session whose handshake is done, and its peer.
struct Talking {
  explicit Talking(const TlsChoices& choices = peer_choices())
      : theirs(TlsEnd::Role::client, choices) {
    if (shake(ours, theirs) != Step::done) throw TlsError(ours.fault());
  }
  // All that can be decrypted of `bytes`.
  Opened open(std::string_view bytes, size_t capacity = 64 * 1024) {
    std::string out(capacity, '\0');
    size_t n = 0;
    const Opened outcome = ours.open(bytes, out.data(), capacity, n, sealed.bytes);
    clear.append(out, 0, n);
    return outcome;
  }
  std::string opened_by_peer(const std::string& bytes) {
    std::string text;
    theirs.open(bytes, text);
    return text;
  }

  TlsSession ours{accepting()};
  TlsEnd theirs;
  SealedRoom sealed;
  std::string clear;
};

// What a server of ours sees of a client that shows this certificate.
std::vector<std::string> names_of(const remuda::test::CertificateFiles& files) {
  TlsOptions options = accepting_options();
  options.ca_file = certificates().authority.file();
  options.peer_check = PeerCheck::required;
  TlsSession ours(TlsContext::for_accepting(options));
  TlsChoices choices = peer_choices();
  choices.certificate = files;
  TlsEnd theirs(TlsEnd::Role::client, choices);
  if (shake(ours, theirs) != Step::done) throw TlsError(ours.fault());
  CHECK(ours.has_peer_certificate());
  return ours.peer_names();
}

// How a client of ours, that wants this host, gets on with a server of this certificate.
std::string verdict(const std::string& host, const std::vector<std::string>& alt_names,
                    const std::string& common_name = "nobody") {
  static const remuda::test::TempDir dir;
  static const remuda::test::Authority authority(dir.path(), "hosts");
  TlsOptions options;
  options.ca_file = authority.file();
  options.peer_check = PeerCheck::required;
  TlsTarget target;
  target.host = host;
  target.check_host = true;
  TlsSession ours(TlsContext::for_connecting(options), target);
  TlsChoices choices = peer_choices();
  choices.certificate = authority.issue("server", {common_name, alt_names});
  TlsEnd theirs(TlsEnd::Role::server, choices);
  return shake(ours, theirs) == Step::done ? "fits" : ours.fault();
}

}  // namespace

TEST_CASE("both ends of TLS understand each other", "[tls]") {
  for (const int version : kVersions) {
    Talking t(peer_choices(version));
    CHECK(t.open(t.theirs.seal("asked")) == Opened::more);
    CHECK(t.clear == "asked");
    CHECK(t.ours.seal("answered", 8, t.sealed.bytes));
    CHECK(t.opened_by_peer(t.sealed.take()) == "answered");
  }
}

TEST_CASE("a connection is described as PgBouncer does", "[tls]") {
  Talking modern;
  CHECK(modern.ours.description() == "TLSv1.3/TLS_AES_256_GCM_SHA384/ECDH=X25519");
  TlsChoices choices = peer_choices(TLS1_2_VERSION);
  choices.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  choices.groups = "P-256";
  Talking old(choices);
  CHECK(old.ours.description() == "TLSv1.2/ECDHE-ECDSA-AES128-GCM-SHA256/ECDH=prime256v1");
}

// ---- Handshake ----------------------------------------------------------------------------------

TEST_CASE("a handshake waits for whole records, wherever they are cut", "[tls]") {
  for (const int version : kVersions) {
    for (const size_t piece : {1, 2, 5, 7, 100, 1000}) {
      TlsSession ours(accepting());
      TlsEnd theirs(TlsEnd::Role::client, peer_choices(version));
      bool peer_done = theirs.handshake();
      Step step = Step::wants_input;
      int steps = 0;
      for (int flight = 0; flight < 5 && step != Step::done; ++flight) {
        const std::string bytes = theirs.take_output();
        for (size_t at = 0; at < bytes.size() && step != Step::done; at += piece) {
          ours.feed(std::string_view(bytes).substr(at, piece));
          if (!ours.can_step()) continue;
          step = ours.handshake();
          ++steps;
        }
        if (!peer_done) peer_done = theirs.handshake(ours.take_output());
      }
      CHECK(step == Step::done);
      CHECK(steps <= 6);  // no more than there are records
    }
  }
}

// What of a record came early must not be mistaken for the beginning of one.
TEST_CASE("a handshake goes on after a record that was cut at any place", "[tls]") {
  for (const int version : kVersions) {
    size_t size = 100'000;
    for (size_t cut = 1; cut < size; cut += cut < 300 ? 1 : 97) {
      TlsTarget target;
      target.host = "localhost";
      TlsSession ours(connecting(), target);
      TlsEnd theirs(TlsEnd::Role::server, server_choices(version));
      REQUIRE(ours.handshake() == Step::wants_input);
      theirs.handshake(ours.take_output());
      const std::string flight = theirs.take_output();
      size = flight.size();
      ours.feed(flight.substr(0, cut));
      Step step = Step::wants_input;
      if (ours.can_step()) step = ours.handshake();
      ours.feed(flight.substr(cut));
      REQUIRE(ours.can_step());
      step = ours.handshake();
      if (version == TLS1_3_VERSION) {
        REQUIRE(step == Step::done);
        CHECK(theirs.handshake(ours.take_output()));
      } else {
        REQUIRE(step == Step::wants_input);
        CHECK(theirs.handshake(ours.take_output()));
        ours.feed(theirs.take_output());
        CHECK(ours.handshake() == Step::done);
      }
    }
  }
}

TEST_CASE("what is no TLS fails at once, with an alert", "[tls]") {
  for (const std::string garbage :
       {"GET / HTTP/1.1\r\n\r\n", "Q", "\x16\x09\x01\x01\x01", "\x16\x03\x01\xff\xff"}) {
    TlsSession ours(accepting());
    ours.feed(garbage);
    CHECK(ours.can_step());
    if (garbage.size() == 1) continue;
    CHECK(ours.handshake() == Step::failed);
    CHECK(!ours.fault().empty());
    CHECK(ours.has_failed());
  }
  TlsSession ours(accepting());
  ours.feed(std::string_view("\x16\x03\x01\x00\x01\x77", 6));
  CHECK(ours.handshake() == Step::wants_input);  // the beginning of a strange message
  ours.feed(std::string_view("\x16\x03\x01\x00\x03\x00\x00\x01", 8));
  CHECK(ours.handshake() == Step::failed);
  CHECK(ours.take_output().size() >= 7);
}

TEST_CASE("a server that cannot be trusted is told so", "[tls]") {
  TlsOptions options;
  options.ca_file = certificates().other_authority.file();
  options.peer_check = PeerCheck::required;
  for (const int version : kVersions) {
    TlsSession ours(TlsContext::for_connecting(options), TlsTarget());
    TlsEnd theirs(TlsEnd::Role::server, server_choices(version));
    CHECK(shake(ours, theirs) == Step::failed);
    CHECK_THAT(ours.fault(),
               Catch::Contains("certificate verify failed: unable to get local issuer"));
    CHECK_THROWS_WITH(theirs.handshake(ours.take_output()), Catch::Contains("alert unknown ca"));
  }
}

TEST_CASE("an expired server is refused", "[tls]") {
  TlsOptions options;
  options.ca_file = certificates().authority.file();
  options.peer_check = PeerCheck::required;
  TlsSession ours(TlsContext::for_connecting(options), TlsTarget());
  TlsChoices choices = peer_choices();
  choices.certificate = certificates().expired_server;
  TlsEnd theirs(TlsEnd::Role::server, choices);
  CHECK(shake(ours, theirs) == Step::failed);
  CHECK_THAT(ours.fault(), Catch::Contains("has expired"));
}

// The server is not verified, and that is not why it fails.
TEST_CASE("a fault names no certificate that nobody checked", "[tls]") {
  TlsChoices choices = server_choices(TLS1_2_VERSION);
  choices.ca_file = certificates().authority.file();  // it wants one of us
  TlsSession ours(connecting(), TlsTarget());
  TlsEnd theirs(TlsEnd::Role::server, choices);
  CHECK(ours.handshake() == Step::wants_input);
  theirs.handshake(ours.take_output());
  ours.feed(theirs.take_output());
  CHECK(ours.handshake() == Step::wants_input);
  CHECK_THROWS(theirs.handshake(ours.take_output()));
  ours.feed(theirs.take_output());
  CHECK(ours.handshake() == Step::failed);
  CHECK(ours.fault() == "sslv3 alert handshake failure");
}

TEST_CASE("a server without a certificate is refused where one is a must", "[tls]") {
  TlsOptions options;
  options.ca_file = certificates().authority.file();
  options.ciphers = "ALL:@SECLEVEL=0";
  options.protocols = "tlsv1.2";
  options.peer_check = PeerCheck::required;
  TlsChoices choices = peer_choices(TLS1_2_VERSION);
  choices.ciphers = "ADH-AES128-SHA256:AECDH-AES128-SHA:@SECLEVEL=0";
  TlsSession ours(TlsContext::for_connecting(options), TlsTarget());
  TlsEnd theirs(TlsEnd::Role::server, choices);
  CHECK(shake(ours, theirs) == Step::failed);
  CHECK(ours.fault() == "the peer has no certificate");
}

TEST_CASE("a client's certificate is asked for as far as the check goes", "[tls]") {
  for (const int version : kVersions) {
    for (const PeerCheck check : {PeerCheck::none, PeerCheck::if_given, PeerCheck::required}) {
      TlsOptions options = accepting_options();
      options.ca_file = certificates().authority.file();
      options.peer_check = check;
      const auto context = TlsContext::for_accepting(options);
      const auto outcome = [&](const remuda::test::CertificateFiles& files) {
        TlsSession ours(context);
        TlsChoices choices = peer_choices(version);
        choices.certificate = files;
        TlsEnd theirs(TlsEnd::Role::client, choices);
        if (shake(ours, theirs) != Step::done) return ours.fault();
        return std::string(ours.has_peer_certificate() ? "known" : "unknown");
      };
      const bool none = check == PeerCheck::none;
      CHECK(outcome(certificates().cert_user) == (none ? "unknown" : "known"));
      if (check == PeerCheck::required) {
        CHECK(outcome({}) == "peer did not return a certificate");
      } else {
        CHECK(outcome({}) == "unknown");
      }
      if (none) continue;
      CHECK_THAT(outcome(certificates().expired_user), Catch::Contains("has expired"));
      CHECK_THAT(outcome(certificates().foreign_user),
                 Catch::Contains("certificate verify failed"));
    }
  }
}

TEST_CASE("names of a client's certificate: DNS names, then the common name", "[tls]") {
  using Names = std::vector<std::string>;
  CHECK(names_of(certificates().cert_user) == Names{"cert_user"});
  const auto& authority = certificates().authority;
  CHECK(names_of(
            authority.issue("named", {"cn", {"DNS:a.example", "IP:10.0.0.1", "DNS:b.example"}})) ==
        Names{"a.example", "b.example", "cn"});
  // A zero byte would end the name for some and not for others.
  CHECK(names_of(authority.issue("zero", {std::string("admin\0.evil", 11)})).empty());
  CHECK(names_of(authority.issue("none", {""})).empty());
  CHECK(names_of(authority.issue("wide", {"j\xc3\xb6rg"})) == Names{"j\xc3\xb6rg"});
  Talking anonymous;
  CHECK(anonymous.ours.peer_names().empty());
  CHECK(!anonymous.ours.has_peer_certificate());
}

TEST_CASE("a server's certificate must be the host's", "[tls]") {
  CHECK(verdict("db.example.com", {"DNS:db.example.com"}) == "fits");
  CHECK(verdict("DB.example.com", {"DNS:db.Example.com"}) == "fits");
  CHECK(verdict("db.example.com", {"DNS:*.example.com"}) == "fits");
  CHECK(verdict("db.example.com", {}, "db.example.com") == "fits");
  CHECK(verdict("10.1.2.3", {"IP:10.1.2.3"}) == "fits");
  CHECK(verdict("::1", {"IP:::1"}) == "fits");
  const auto refused = Catch::Contains("certificate verify failed: hostname mismatch");
  CHECK_THAT(verdict("a.db.example.com", {"DNS:*.example.com"}), refused);
  CHECK_THAT(verdict("example.com", {"DNS:*.example.com"}), refused);
  CHECK_THAT(verdict("db.example.com", {"DNS:d*.example.com"}), refused);
  CHECK_THAT(verdict("example.com", {"DNS:*.com"}), refused);
  CHECK_THAT(verdict("db.example.com", {"DNS:*"}), refused);
  CHECK_THAT(verdict("db.example.com", {"DNS:other"}, "db.example.com"), refused);
  CHECK_THAT(verdict("db.example.com", {}, std::string("db.example.com\0.evil", 20)), refused);
  CHECK_THAT(verdict("10.1.2.3", {"IP:10.1.2.4"}), Catch::Contains("IP address mismatch"));
  CHECK_THAT(verdict("10.1.2.3", {"DNS:10.1.2.3"}), Catch::Contains("IP address mismatch"));
  CHECK_THAT(verdict("10.1.2.3", {"DNS:*.1.2.3"}), Catch::Contains("IP address mismatch"));
  CHECK_THROWS_AS(verdict("", {"DNS:db"}), TlsError);
}

TEST_CASE("names are sent along, addresses are not", "[tls]") {
  for (const std::string host : {"localhost", "127.0.0.1", "::1", ""}) {
    TlsTarget target;
    target.host = host;
    TlsSession ours(connecting(), target);
    TlsEnd theirs(TlsEnd::Role::server, server_choices());
    CHECK(shake(ours, theirs) == Step::done);
    CHECK(theirs.requested_host() == (host == "localhost" ? host : ""));
  }
}

TEST_CASE("the application protocol is PostgreSQL's", "[tls]") {
  const auto accepted = [](std::vector<std::string> protocols) {
    TlsChoices choices = peer_choices();
    choices.protocols = std::move(protocols);
    Talking t(choices);
    return t.theirs.protocol();
  };
  CHECK(accepted({"postgresql"}) == "postgresql");
  CHECK(accepted({"h2", "postgresql"}) == "postgresql");
  CHECK(accepted({}).empty());
  TlsChoices choices = peer_choices();
  choices.protocols = {"h2", "http/1.1"};
  TlsSession ours(accepting());
  TlsEnd theirs(TlsEnd::Role::client, choices);
  CHECK(shake(ours, theirs) == Step::failed);
  CHECK_THROWS_WITH(theirs.handshake(ours.take_output()),
                    Catch::Contains("alert no application protocol"));
}

TEST_CASE("a server that was not asked first must confirm the protocol", "[tls]") {
  for (const bool is_direct : {false, true}) {
    for (const bool confirms : {false, true}) {
      TlsTarget target;
      target.is_direct = is_direct;
      TlsSession ours(connecting(), target);
      TlsChoices choices = server_choices();
      if (confirms) choices.protocols = {"postgresql"};
      TlsEnd theirs(TlsEnd::Role::server, choices);
      CHECK((shake(ours, theirs) == Step::done) == (confirms || !is_direct));
      if (is_direct && !confirms) CHECK_THAT(ours.fault(), Catch::Contains("does not confirm"));
    }
  }
}

// ---- Resumption ---------------------------------------------------------------------------------

TEST_CASE("a session is resumed with its certificate, but not by another set-up", "[tls]") {
  for (const int version : kVersions) {
    TlsOptions options = accepting_options();
    options.ca_file = certificates().authority.file();
    options.peer_check = PeerCheck::required;
    const auto context = TlsContext::for_accepting(options);
    TlsChoices choices = peer_choices(version);
    choices.certificate = certificates().cert_user;
    TlsEnd first(TlsEnd::Role::client, choices);
    TlsSession server(context);
    REQUIRE(shake(server, first) == Step::done);
    CHECK(!first.resumed());
    const auto session = first.session();
    choices.resumed = session.get();
    {
      TlsEnd again(TlsEnd::Role::client, choices);
      TlsSession ours(context);
      REQUIRE(shake(ours, again) == Step::done);
      CHECK(again.resumed());
      CHECK(ours.has_peer_certificate());
      CHECK(ours.peer_names() == std::vector<std::string>{"cert_user"});
      CHECK(ours.channel_binding() == first.end_point_hash());
    }
    {  // the same again after a reload
      TlsEnd again(TlsEnd::Role::client, choices);
      TlsSession ours(TlsContext::for_accepting(options));
      REQUIRE(shake(ours, again) == Step::done);
      CHECK(!again.resumed());
    }
    {  // those who vouched for it are no longer trusted
      options.ca_file = certificates().other_authority.file();
      TlsEnd again(TlsEnd::Role::client, choices);
      TlsSession ours(TlsContext::for_accepting(options));
      CHECK(shake(ours, again) == Step::failed);
    }
  }
}

// ---- Data ---------------------------------------------------------------------------------------

TEST_CASE("records of every size, cut everywhere", "[tls]") {
  for (const int version : kVersions) {
    Talking t(peer_choices(version));
    std::string sent;
    for (const size_t size : {1, 2, 100, 16383, 16384}) {
      const std::string text = pattern(size, sent.size());
      sent += text;
      CHECK(t.open(t.theirs.seal(text)) == Opened::more);
      CHECK(t.clear == sent);
    }
    // Byte by byte; and a few records, cut once at each place.
    for (const char byte : t.theirs.seal("drop by drop")) t.open(std::string_view(&byte, 1));
    CHECK(t.clear == sent + "drop by drop");
    const auto three = [&t] {
      std::string records = t.theirs.seal("one");
      records += t.theirs.seal("two");
      return records += t.theirs.seal("three");
    };
    std::string record = three();
    for (size_t cut = 0; cut < record.size(); ++cut) {
      t.clear.clear();
      CHECK(t.open(record.substr(0, cut)) == Opened::more);
      CHECK(t.open(record.substr(cut)) == Opened::more);
      CHECK(t.clear == "onetwothree");
      record = three();
    }
  }
}

TEST_CASE("what does not fit is kept", "[tls]") {
  Talking t;
  const std::string text = pattern(50'000);
  CHECK(t.open(t.theirs.seal(text), 1000) == Opened::more);
  CHECK(t.clear.size() == 1000);
  while (t.clear.size() < text.size()) {
    const size_t before = t.clear.size();
    CHECK(t.open("", 7000) == Opened::more);
    REQUIRE(t.clear.size() > before);
  }
  CHECK(t.clear == text);
  CHECK(t.open("") == Opened::more);
  CHECK(t.clear == text);
}

TEST_CASE("bytes behind the handshake are data", "[tls]") {
  for (const int version : kVersions) {
    TlsSession ours(accepting());
    TlsEnd theirs(TlsEnd::Role::client, peer_choices(version));
    theirs.handshake();
    Step step = Step::wants_input;
    while (step != Step::done) {
      ours.feed(theirs.take_output());
      step = ours.handshake();
      const std::string out = ours.take_output();
      if (step == Step::done) break;
      // In one segment with Finished, where the protocol lets a client go on at once.
      if (theirs.handshake(out) && version == TLS1_3_VERSION) ours.feed(theirs.seal("in a hurry"));
    }
    if (version == TLS1_2_VERSION) continue;
    std::string out(100, '\0');
    size_t n = 0;
    SealedRoom sealed;
    CHECK(ours.open("", out.data(), out.size(), n, sealed.bytes) == Opened::more);
    CHECK(out.substr(0, n) == "in a hurry");
  }
}

TEST_CASE("what has been tampered with is refused, with an alert", "[tls]") {
  for (const int version : kVersions) {
    for (const size_t at : {0, 1, 3, 5, 20}) {
      Talking t(peer_choices(version));
      std::string record = t.theirs.seal("before");
      const size_t second = record.size();
      record += t.theirs.seal("good text, spoilt");
      record[second + at] = static_cast<char>(record[second + at] ^ 0x40);
      const Opened outcome = t.open(record);
      CHECK(t.clear == "before");
      if (outcome == Opened::more) continue;  // its length is now one that has not come yet
      CHECK(outcome == Opened::failed);
      CHECK(t.ours.has_failed());
      CHECK(!t.ours.fault().empty());
      CHECK(t.sealed.bytes.size > 0);
      CHECK_THROWS_WITH(t.opened_by_peer(t.sealed.take()), Catch::Contains("alert"));
      CHECK(t.open(record) == Opened::failed);
      CHECK(!t.ours.seal("x", 1, t.sealed.bytes));
      t.ours.finish(t.sealed.bytes);
      CHECK(t.sealed.bytes.size == 0);
    }
  }
}

TEST_CASE("a goodbye is heard, and said", "[tls]") {
  for (const int version : kVersions) {
    Talking t(peer_choices(version));
    std::string last = t.theirs.seal("last words");
    last += t.theirs.close_notify();
    CHECK(t.open(last) == Opened::ended);
    CHECK(t.clear == "last words");
    CHECK(!t.ours.has_failed());
    CHECK(t.ours.seal("yours", 5, t.sealed.bytes));
    t.ours.finish(t.sealed.bytes);
    std::string clear;
    CHECK(!t.theirs.open(t.sealed.take(), clear));
    CHECK(clear == "yours");
    // What comes behind a goodbye is not kept.
    for (int i = 0; i < 100; ++i) CHECK(t.open(std::string(10'000, '\x17')) == Opened::ended);
    CHECK(t.clear == "last words");
  }
}

TEST_CASE("keys are renewed when the peer asks", "[tls]") {
  Talking t;
  for (int i = 0; i < 5; ++i) {
    t.clear.clear();
    const std::string asked = t.theirs.key_update();
    CHECK(t.open(asked + t.theirs.seal("under new keys")) == Opened::more);
    CHECK(t.clear == "under new keys");
    CHECK(t.ours.seal("likewise", 8, t.sealed.bytes));
    CHECK(t.opened_by_peer(t.sealed.take()) == "likewise");
  }
}

// Each costs two derivations of keys: a few bytes of the peer's must not keep us busy.
TEST_CASE("a flood of new keys is an attack", "[tls]") {
  Talking t;
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += t.theirs.key_update();
  CHECK(t.open(flood) == Opened::failed);
  CHECK(t.sealed.bytes.size < 4096);
}

namespace {

// A client without any of TlsEnd's manners, up to TLS 1.2.
struct RudeClient {
  RudeClient() : context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl(nullptr, SSL_free) {
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    REQUIRE(SSL_CTX_set_cipher_list(context.get(), "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0") == 1);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_ENCRYPT_THEN_MAC);
    ssl.reset(SSL_new(context.get()));
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl.get());
  }
  std::string take_output() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &data);
    std::string bytes(data, static_cast<size_t>(size));
    (void)BIO_reset(SSL_get_wbio(ssl.get()));
    return bytes;
  }
  void feed(std::string_view bytes) {
    BIO_write(SSL_get_rbio(ssl.get()), bytes.data(), static_cast<int>(bytes.size()));
  }
  void shake_with(TlsSession& ours) {
    for (int i = 0; i < 10 && SSL_do_handshake(ssl.get()) != 1; ++i) {
      ours.feed(take_output());
      REQUIRE(ours.handshake() != Step::failed);
      feed(ours.take_output());
    }
    REQUIRE(SSL_is_init_finished(ssl.get()) == 1);
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl;
};

}  // namespace

// Records become as small as a client wants, and their number costs room.
TEST_CASE("a record's room is enough for the smallest fragments", "[tls]") {
  RudeClient client;
  const auto mode = TLSEXT_max_fragment_length_512;
  REQUIRE(SSL_set_tlsext_max_fragment_length(client.ssl.get(), mode) == 1);
  TlsSession ours(accepting());
  client.shake_with(ours);
  std::vector<char> room(SealedBytes::kRecordRoom);
  SealedBytes sealed{room.data(), 0, room.size()};
  REQUIRE(sealed.has_room());
  const std::string text = pattern(TlsSession::kRecordSize);
  REQUIRE(ours.seal(text.data(), text.size(), sealed));
  CHECK(sealed.size > text.size() + 32 * 21);  // so it was cut into 32
  client.feed(std::string_view(sealed.data, sealed.size));
  std::string received(text.size(), '\0');
  size_t n = 0;
  for (size_t got = 0; n < received.size(); n += got) {
    char* rest = received.data() + n;
    REQUIRE(SSL_read_ex(client.ssl.get(), rest, received.size() - n, &got) == 1);
  }
  CHECK(received == text);
}

TEST_CASE("nobody negotiates anew", "[tls]") {
  RudeClient client;
  TlsSession ours(accepting());
  client.shake_with(ours);
  REQUIRE(SSL_renegotiate(client.ssl.get()) == 1);
  SSL_do_handshake(client.ssl.get());
  std::string out(1000, '\0');
  size_t n = 0;
  SealedRoom sealed;
  CHECK(ours.open(client.take_output(), out.data(), out.size(), n, sealed.bytes) != Opened::ended);
  CHECK(n == 0);
  const std::string answer = sealed.take();
  REQUIRE(!answer.empty());
  CHECK(answer[0] == SSL3_RT_ALERT);
  CHECK(answer.size() < 200);  // and no hello behind it
}

// TLS 1.0 puts an empty record before each.
TEST_CASE("empty records are no end", "[tls]") {
  TlsOptions options = accepting_options();
  options.protocols = "all";
  options.ciphers = "DEFAULT:@SECLEVEL=0";
  TlsChoices choices = peer_choices(TLS1_VERSION);
  choices.ciphers = options.ciphers;
  TlsSession ours(TlsContext::for_accepting(options));
  TlsEnd theirs(TlsEnd::Role::client, choices);
  REQUIRE(shake(ours, theirs) == Step::done);
  const std::string sent = theirs.seal("text");
  CHECK(sent.size() > 2 * 37);
  std::string out(100, '\0');
  size_t n = 0;
  SealedRoom sealed;
  // Cut between the two.
  const size_t cut = 5 + static_cast<unsigned char>(sent[4]);
  CHECK(ours.open(sent.substr(0, cut), out.data(), out.size(), n, sealed.bytes) == Opened::more);
  CHECK(n == 0);
  CHECK(ours.open(sent.substr(cut), out.data(), out.size(), n, sealed.bytes) == Opened::more);
  CHECK(out.substr(0, n) == "text");
  REQUIRE(ours.seal("answer", 6, sealed.bytes));
  std::string clear;
  CHECK(theirs.open(sealed.take(), clear));
  CHECK(clear == "answer");
}

// ---- Channel binding ----------------------------------------------------------------------------

namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key make_key(bool is_ed25519) {
  return Key(is_ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen("P-256"),
             EVP_PKEY_free);
}

// Signed by itself.
Certificate make_certificate(EVP_PKEY* key, const EVP_MD* digest) {
  Certificate made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -1000);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 100'000);
  X509_set_pubkey(made.get(), key);
  REQUIRE(X509_sign(made.get(), key, digest) > 0);
  return made;
}

// By another way than the code under test: the hash of the encoded certificate.
std::string hash_of(X509* certificate, const char* digest) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  REQUIRE(size > 0);
  unsigned char hash[EVP_MAX_MD_SIZE];
  size_t n = 0;
  REQUIRE(EVP_Q_digest(nullptr, digest, nullptr, encoded, static_cast<size_t>(size), hash, &n) ==
          1);
  OPENSSL_free(encoded);
  return std::string(reinterpret_cast<char*>(hash), n);
}

}  // namespace

TEST_CASE("the end point's hash is by the signature's digest, if that is no weak one", "[tls]") {
  const Key ec = make_key(false);
  const auto hashed = [&](const EVP_MD* signed_by, const char* hashed_by) {
    const Certificate made = make_certificate(ec.get(), signed_by);
    return end_point_hash(made.get()) == hash_of(made.get(), hashed_by);
  };
  CHECK(hashed(EVP_sha1(), "SHA256"));
  CHECK(hashed(EVP_sha224(), "SHA224"));
  CHECK(hashed(EVP_sha256(), "SHA256"));
  CHECK(hashed(EVP_sha384(), "SHA384"));
  CHECK(hashed(EVP_sha512(), "SHA512"));
  const Key edwards = make_key(true);
  CHECK(end_point_hash(make_certificate(edwards.get(), nullptr).get()).empty());
}

TEST_CASE("both ends bind to the server's certificate", "[tls]") {
  Talking served;
  CHECK(served.ours.channel_binding().size() == 32);
  CHECK(served.ours.channel_binding() == served.theirs.end_point_hash());
  TlsSession ours(connecting(), TlsTarget());
  TlsEnd theirs(TlsEnd::Role::server, server_choices());
  REQUIRE(shake(ours, theirs) == Step::done);
  CHECK(ours.channel_binding() == theirs.end_point_hash());
  CHECK(ours.channel_binding() == served.ours.channel_binding());
  // Signed by an authority whose signatures have no digest.
  const remuda::test::TempDir dir;
  const remuda::test::Authority edwards(dir.path(), "edwards", remuda::test::KeyKind::ed25519);
  TlsChoices choices = peer_choices();
  choices.certificate = edwards.issue("server", {"localhost"});
  TlsSession unbound(connecting(), TlsTarget());
  TlsEnd server(TlsEnd::Role::server, choices);
  REQUIRE(shake(unbound, server) == Step::done);
  CHECK(unbound.channel_binding().empty());
}

}  // namespace remuda::io::tls_session_test
