#include "cuts.h"
#include "remuda/wire/scram.h"
#include "support/catch.h"

namespace remuda::wire::scram_keys_test {
namespace {

using test::bytes_of;

TEST_CASE("SASLprep, the examples of RFC 4013") {
  CHECK(saslprep("I\xc2\xadX") == "IX");  // soft hyphen mapped to nothing
  CHECK(saslprep("user") == "user");
  CHECK(saslprep("USER") == "USER");
  CHECK(saslprep("\xc2\xaa") == "a");       // feminine ordinal
  CHECK(saslprep("\xe2\x85\xa8") == "IX");  // Roman numeral nine
  CHECK(saslprep("a\xc2\xa0z") == "a z");   // no-break space
}

TEST_CASE("a password without normal form is used as it is") {
  for (const std::string& password :
       {bytes_of("\xff\xfe"), bytes_of("caf\xe9"),
        bytes_of("\xd8\xa7"
                 "1"),
        bytes_of("\7"), bytes_of("\xc2\x80x"), bytes_of("\xc3\xa9\0x"), bytes_of("\xc2\xad"),
        bytes_of("\xc3"), bytes_of("\xf0\x9f\x98\x80"), bytes_of(""), std::string(70000, '\xc3')}) {
    CHECK(saslprep(password) == password);
  }
}

TEST_CASE("passwords of 1 KB and 64 KB have keys of their own") {
  const Digest empty = salted_password("", "salt", 1);
  const Digest one = salted_password(std::string(1024, 'p'), "salt", 1);
  const Digest many = salted_password(std::string(65536, 'p'), "salt", 1);
  const Digest other = salted_password(std::string(65535, 'p') + 'q', "salt", 1);
  CHECK(empty != one);
  CHECK(one != many);
  CHECK(many != other);
  CHECK(salted_password("\xe2\x85\xa8", "salt", 1) == salted_password("IX", "salt", 1));
}

TEST_CASE("finding the normal form is bounded") {
  std::string shorter;
  while (shorter.size() < 4096) shorter += "\xc2\xaa";
  CHECK(saslprep(shorter) == std::string(2048, 'a'));
  const std::string longer = shorter + "\xc2\xaa";
  CHECK(saslprep(longer) == longer);
  // ASCII is its own normal form at any length.
  CHECK(saslprep(std::string(65530, 'p')) == std::string(65530, 'p'));
}

TEST_CASE("a built secret is that of PostgreSQL") {
  const auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  CHECK(format_scram_secret(build_secret("pencil", *salt, 4096)) ==
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

}  // namespace
}  // namespace remuda::wire::scram_keys_test
