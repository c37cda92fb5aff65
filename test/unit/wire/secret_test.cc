#include "remuda/wire/secret.h"

#include "remuda/wire/md5.h"
#include "remuda/wire/scram.h"
#include "support/catch.h"

namespace remuda::wire::secret_test {
namespace {

// What PostgreSQL stores for "pencil" with the salt of RFC 7677.
const std::string kScramText =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST_CASE("a SCRAM secret is read and written back the same") {
  const auto secret = parse_scram_secret(kScramText);
  REQUIRE(secret);
  CHECK(secret->iterations == 4096);
  CHECK(secret->salt.size() == 16);
  CHECK(format_scram_secret(*secret) == kScramText);
}

TEST_CASE("the kind of a secret shows in its text") {
  CHECK(parse_secret(kScramText).kind == SecretKind::scram);
  CHECK(parse_secret(kScramText).scram.has_value());
  const Secret md5 = parse_secret("md5c05b39c9e5f4d1a2b3c4d5e6f7a8b9c0");
  CHECK(md5.kind == SecretKind::md5);
  CHECK(md5.text == "md5c05b39c9e5f4d1a2b3c4d5e6f7a8b9c0");
  for (const char* text :
       {"", "password", "md5", "md5c05b39c9e5f4d1a2b3c4d5e6f7a8b9c",
        "md5c05b39c9e5f4d1a2b3c4d5e6f7a8b9c0a", "md5C05B39C9E5F4D1A2B3C4D5E6F7A8B9C0",
        "md5g05b39c9e5f4d1a2b3c4d5e6f7a8b9c0", "SCRAM-SHA-256$"}) {
    CHECK(parse_secret(text).kind == SecretKind::plain);
    CHECK(parse_secret(text).text == text);
  }
}

TEST_CASE("a SCRAM secret that is not exactly right is a password") {
  const std::string keys = kScramText.substr(kScramText.find('$', 14));
  const std::string start = "SCRAM-SHA-256$";
  for (const std::string& text : {
           start + "0:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "-1:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "+1:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + ":W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "4096x:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "2147483648:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "99999999999:W22ZaJ0SNY7soEsUEjb6gQ==" + keys,
           start + "4096:" + keys,
           start + "4096:W22Z*J0SNY7soEsUEjb6gQ==" + keys,
           start + "4096:W22ZaJ0SNY7soEsUEjb6gQ" + keys,
           "scram-sha-256$" + kScramText.substr(start.size()),
           kScramText + "=",
           kScramText + ":",
           kScramText.substr(0, kScramText.size() - 4),
           " " + kScramText,
       }) {
    CHECK_FALSE(parse_scram_secret(text));
  }
}

TEST_CASE("a SCRAM secret cut anywhere is none") {
  for (size_t size = 0; size < kScramText.size(); ++size) {
    CHECK_FALSE(parse_scram_secret(ByteView(kScramText).substr(0, size)));
  }
}

TEST_CASE("a clear-text password is checked against every kind of secret") {
  const Secret plain = parse_secret("pencil");
  const Secret md5 = parse_secret("md533ec4abf60eed36c7c1c71ad8f4f4bf9");
  const Secret scram = parse_secret(kScramText);
  CHECK(verify_password(plain, "user", "pencil"));
  CHECK(verify_password(scram, "user", "pencil"));
  for (const Secret& secret : {plain, md5, scram}) {
    CHECK_FALSE(verify_password(secret, "user", "pencil2"));
    CHECK_FALSE(verify_password(secret, "user", ""));
    CHECK_FALSE(
        verify_password(secret, "user", secret.kind == SecretKind::plain ? "x" : secret.text));
  }
  CHECK_FALSE(verify_password(parse_secret(""), "user", ""));
}

TEST_CASE("a SCRAM secret with an absurd count is not worked through") {
  Secret scram = parse_secret(kScramText);
  scram.scram->iterations = kMaxScramIterations + 1;
  CHECK_FALSE(verify_password(scram, "user", "pencil"));
}

TEST_CASE("passwords of 1 KB and 64 KB are checked against every kind of secret") {
  for (const size_t size : {1024, 65530}) {
    const std::string password(size, 'p');
    for (const std::string& text : {password, md5_password_hash(password, "user"),
                                    format_scram_secret(build_secret(password, "salt", 1))}) {
      CHECK(verify_password(parse_secret(text), "user", password));
      CHECK_FALSE(verify_password(parse_secret(text), "user", password.substr(1)));
    }
  }
}

}  // namespace
}  // namespace remuda::wire::secret_test
