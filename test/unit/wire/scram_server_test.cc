#include "cuts.h"
#include "remuda/wire/scram.h"
#include "support/catch.h"

namespace remuda::wire::scram_server_test {
namespace {

using test::bytes_of;
using Status = ScramServer::Status;

// The exchange of RFC 7677, section 3.
const std::string kClientNonce = "rOprNGfwEbeRWgbNEkqO";
const std::string kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string kFinalWithoutProof =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string kProof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string kClientFinal = kFinalWithoutProof + ",p=" + kProof;
const std::string kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramSecret rfc_secret() {
  static const ScramSecret secret =
      build_secret("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  return secret;
}

ScramServer::Options with_nonce() {
  ScramServer::Options options;
  options.nonce = kServerNonce;
  return options;
}

std::string fault_of_first(ByteView message, ScramServer::Options options = with_nonce()) {
  ScramServer server(rfc_secret(), options);
  if (server.step(message) != Status::failed) return "";
  CHECK(server.reply().empty());
  const std::string fault = server.fault();
  CHECK(server.step(kClientFinal) == Status::failed);
  return fault;
}

std::string fault_of_final(ByteView message) {
  ScramServer server(rfc_secret(), with_nonce());
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  if (server.step(message) != Status::failed) return "";
  CHECK(server.reply().empty());
  CHECK(server.client_key() == Digest{});
  const std::string fault = server.fault();
  CHECK(server.step(kClientFinal) == Status::failed);
  return fault;
}

TEST_CASE("the server's side of RFC 7677") {
  ScramServer server(rfc_secret(), with_nonce());
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  CHECK(server.reply() == kServerFirst);
  REQUIRE(server.step(kClientFinal) == Status::done);
  CHECK(server.reply() == kServerFinal);
  CHECK(sha256(view_of(server.client_key())) == rfc_secret().stored_key);
  CHECK(server.step(kClientFinal) == Status::failed);
}

TEST_CASE("a wrong proof fails, whatever bit is wrong") {
  const std::string right = *base64_decode(kProof);
  for (size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    CHECK(fault_of_final(kFinalWithoutProof + ",p=" + base64_encode(wrong)) == "wrong password");
  }
}

TEST_CASE("a nonce of our own differs every time") {
  ScramServer one(rfc_secret());
  ScramServer two(rfc_secret());
  REQUIRE(one.step(kClientFirst) == Status::go_on);
  REQUIRE(two.step(kClientFirst) == Status::go_on);
  CHECK(one.reply() != two.reply());
  CHECK(one.reply().starts_with("r=" + kClientNonce));
}

TEST_CASE("the client may have said that we have no channel binding") {
  ScramServer server(rfc_secret(), with_nonce());
  CHECK(server.step("y,,n=,r=abc") == Status::go_on);
}

TEST_CASE("attributes that the grammar allows are stepped over") {
  CHECK(fault_of_first("n,,n=,r=abc,x=1,Y=a=b").empty());
  ScramServer server(rfc_secret(), with_nonce());
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  CHECK(server.step(kFinalWithoutProof + ",x=1,p=" + kProof) == Status::failed);
  CHECK(server.fault() == "wrong password");  // the proof covers them
}

TEST_CASE("C4 28: malformed first messages") {
  const std::string bad = "malformed SCRAM message: bad client-first-message";
  for (const char* message :
       {"n,,", "n,,n=user", "n,,n=user,", "n,,r=abc", "n,,r=abc,n=user", "n,,n=user,r=abc,",
        "n,,n=user,r=abc,,", "n,,n=user,r=abc,x", "n,,n=user,r=abc,x=", "n,,n=user,r=abc,1=2",
        "n,,n=user,,r=abc", "n,,nuser,r=abc", "n,,n", "n,,n=user,r", "n,,,n=user,r=abc"}) {
    INFO(message);
    CHECK(fault_of_first(message) == bad);
  }
  const std::string nonce = "malformed SCRAM message: bad nonce";
  CHECK(fault_of_first("n,,n=user,r=") == nonce);
  CHECK(fault_of_first("n,,n=user,r=a b") == nonce);
  CHECK(fault_of_first("n,,n=user,r=a\x7f") == nonce);
  CHECK(fault_of_first("n,,n=user,r=a\xc3\xa9") == nonce);
  CHECK(fault_of_first("n,,n=user,r=" + std::string(kMaxScramNonce + 1, 'r')) == nonce);
  CHECK(fault_of_first("n,,n=user,r=" + std::string(kMaxScramNonce, 'r')).empty());
}

TEST_CASE("C4 28: malformed headers") {
  const std::string flag = "malformed SCRAM message: bad channel-binding flag";
  for (const char* message : {"", "x,,n=,r=a", ",,n=,r=a", "nn,,n=,r=a", "p,,n=,r=a"}) {
    CHECK(fault_of_first(message) == flag);
  }
  const std::string header = "malformed SCRAM message: bad header";
  for (const char* message : {"n", "n,", "n,n=,r=a", "n,x=1,n=,r=a", "y"}) {
    CHECK(fault_of_first(message) == header);
  }
  CHECK(fault_of_first("n,a=admin,n=,r=a") == "SCRAM authorization identity is not supported");
  CHECK(fault_of_first("n,,m=1,n=,r=a") == "SCRAM extension is not supported");
}

TEST_CASE("C4 28: messages too long, or with zero bytes") {
  const std::string fault = "malformed SCRAM message: too long, or with a zero byte";
  CHECK(fault_of_first("n,,n=" + std::string(kMaxScramMessage, 'u') + ",r=a") == fault);
  CHECK(fault_of_first(bytes_of("n,,n=\0,r=a")) == fault);
  CHECK(fault_of_final(kClientFinal + '\0') == fault);
  CHECK(fault_of_final(std::string(kMaxScramMessage + 1, 'c')) == fault);
}

TEST_CASE("C4 28: malformed final messages") {
  const std::string bad = "malformed SCRAM message: bad client-final-message";
  const std::string nonce = ",r=" + kClientNonce + kServerNonce;
  for (const std::string& message :
       {std::string(), std::string("c=biws"), "c=biws,p=" + kProof, kFinalWithoutProof,
        nonce.substr(1) + ",c=biws,p=" + kProof, kFinalWithoutProof + ",",
        kFinalWithoutProof + ",p", kClientFinal + ",", kClientFinal + ",x=1",
        kFinalWithoutProof + ",x,p=" + kProof, kFinalWithoutProof + ",x=,p=" + kProof,
        "p=" + kProof}) {
    INFO(message);
    CHECK(fault_of_final(message) == bad);
  }
  const std::string proof = "malformed SCRAM message: bad proof";
  for (const std::string& text :
       {std::string(), std::string("AAAA"), kProof + "AAAA", kProof.substr(0, 43),
        std::string(44, '='), std::string(44, '*'), " " + kProof}) {
    CHECK(fault_of_final(kFinalWithoutProof + ",p=" + text) == proof);
  }
}

TEST_CASE("C4 28: a nonce that is not ours") {
  const std::string fault = "invalid SCRAM response: nonce does not match";
  for (const std::string& nonce :
       {std::string(), kClientNonce, kServerNonce, kClientNonce + kServerNonce + "x",
        "x" + kClientNonce + kServerNonce}) {
    CHECK(fault_of_final("c=biws,r=" + nonce + ",p=" + kProof) == fault);
  }
}

TEST_CASE("C4 28: the header must be the one we saw") {
  const std::string rest = kClientFinal.substr(6);
  for (const char* binding : {"", "eSws", "biw=", "biwsAA==", "*iws", "biw"}) {
    CHECK(fault_of_final("c=" + std::string(binding) + rest) ==
          "SCRAM channel binding check failed");
  }
}

TEST_CASE("channel binding without an offer is refused") {
  CHECK(fault_of_first("p=tls-server-end-point,,n=,r=a") ==
        "SCRAM channel binding is not supported");
}

TEST_CASE("with channel binding on offer a downgrade is noticed") {
  ScramServer::Options options = with_nonce();
  options.channel_binding = "certificate hash";
  CHECK(fault_of_first("y,,n=,r=a", options) == "SCRAM channel binding negotiation error");
  CHECK(fault_of_first("p=tls-server-end-point,,n=,r=a", options) ==
        "SCRAM channel binding is not supported");
  CHECK(fault_of_first("n,,n=,r=a", options).empty());
  options.plus = true;
  CHECK(fault_of_first("n,,n=,r=a", options) == "SCRAM channel binding is missing");
  CHECK(fault_of_first("p=tls-unique,,n=,r=a", options) ==
        "unsupported SCRAM channel-binding type");
  CHECK(fault_of_first("p=tls-server-end-point,,n=,r=a", options).empty());
}

TEST_CASE("an unknown user sees an exchange like any other, and the same salt each time") {
  const ScramSecret mock = ScramServer::mock_secret("process secret", "eve", 4096);
  CHECK(mock == ScramServer::mock_secret("process secret", "eve", 4096));
  CHECK(mock.salt.size() == kScramSaltSize);
  CHECK(mock.salt != ScramServer::mock_secret("process secret", "bob", 4096).salt);
  CHECK(mock.salt != ScramServer::mock_secret("another", "eve", 4096).salt);
  ScramServer::Options options = with_nonce();
  options.mock = true;
  ScramServer server(mock, options);
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  CHECK(server.reply().size() == kServerFirst.size());
  CHECK(server.step(kClientFinal) == Status::failed);
  CHECK(server.fault() == "wrong password");
}

TEST_CASE("keys may come after the challenge") {
  ScramSecret announced = rfc_secret();
  announced.stored_key = announced.server_key = Digest{};
  ScramServer server(announced, with_nonce());
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  CHECK(server.reply() == kServerFirst);
  server.set_keys(rfc_secret());
  REQUIRE(server.step(kClientFinal) == Status::done);
  CHECK(server.reply() == kServerFinal);
}

TEST_CASE("the bound channel is in the final message, byte for byte") {
  ScramServer::Options options = with_nonce();
  options.channel_binding = "certificate hash";
  options.plus = true;
  const std::string header = "p=tls-server-end-point,,";
  const std::string nonce = ",r=" + kClientNonce + kServerNonce;
  const auto fault = [&](const std::string& binding) {
    ScramServer server(rfc_secret(), options);
    REQUIRE(server.step(header + "n=user,r=" + kClientNonce) == Status::go_on);
    REQUIRE(server.step("c=" + base64_encode(binding) + nonce + ",p=" + kProof) == Status::failed);
    return server.fault();
  };
  const std::string failed = "SCRAM channel binding check failed";
  CHECK(fault(header + "certificate hash") == "wrong password");
  CHECK(fault(header) == failed);
  CHECK(fault(header + "certificate hash.") == failed);
  CHECK(fault(header + "Certificate hash") == failed);
  CHECK(fault("n,,") == failed);
  CHECK(fault("y,,certificate hash") == failed);
  CHECK(fault("") == failed);
}

TEST_CASE("a mock exchange fails even with the right proof") {
  ScramServer::Options options = with_nonce();
  options.mock = true;
  ScramServer server(rfc_secret(), options);
  REQUIRE(server.step(kClientFirst) == Status::go_on);
  CHECK(server.step(kClientFinal) == Status::failed);
  CHECK(server.fault() == "wrong password");
  CHECK(server.client_key() == Digest{});
}

}  // namespace
}  // namespace remuda::wire::scram_server_test
