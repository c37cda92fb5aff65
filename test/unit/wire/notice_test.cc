#include "remuda/wire/notice.h"

#include "cuts.h"
#include "remuda/wire/builder.h"
#include "support/catch.h"

namespace remuda::wire::notice_test {
namespace {

using test::bytes_of;

TEST_CASE("all fields of an error are found") {
  const std::string body = bytes_of(
      "SFEHLER\0VERROR\0C42P01\0Mno table\0Dthe detail\0Ha hint\0P15\0Ffile.c\0L1\0Rfn\0\0");
  const ErrorFields fields = parse_error_fields(body);
  CHECK(fields.severity == "FEHLER");
  CHECK(fields.invariant_severity == "ERROR");
  CHECK(fields.sqlstate.view() == "42P01");
  CHECK(fields.has_sqlstate);
  CHECK(fields.message == "no table");
  CHECK(fields.detail == "the detail");
  CHECK(fields.hint == "a hint");
  CHECK(fields.well_formed);
  CHECK_FALSE(fields.is_fatal());
}

TEST_CASE("C4 29: an error without SQLSTATE, or with an odd one, gets the default") {
  for (const std::string& body :
       {bytes_of("SERROR\0Moh\0\0"), bytes_of("SERROR\0C\0Moh\0\0"),
        bytes_of("SERROR\0C4200\0Moh\0\0"), bytes_of("SERROR\0C420000\0Moh\0\0")}) {
    const ErrorFields fields = parse_error_fields(body);
    CHECK(fields.sqlstate.view() == "XX000");
    CHECK_FALSE(fields.has_sqlstate);
    CHECK(fields.message == "oh");
    CHECK(fields.well_formed);
  }
}

TEST_CASE("an error cut off anywhere gives what was whole") {
  const std::string body = bytes_of("SFATAL\0C57P01\0Mbye\0\0");
  for (size_t size = 0; size < body.size(); ++size) {
    const ErrorFields fields = parse_error_fields(ByteView(body).substr(0, size));
    CHECK_FALSE(fields.well_formed);
    CHECK(fields.has_sqlstate == (size >= 14));
    CHECK(fields.message == (size >= 19 ? "bye" : ""));
    CHECK(fields.severity == (size >= 7 ? "FATAL" : "ERROR"));
  }
  CHECK(parse_error_fields(body).well_formed);
}

TEST_CASE("bytes behind the end of the list make it malformed, and do not count") {
  const std::string body = bytes_of("SERROR\0\0Mlate\0\0");
  const ErrorFields fields = parse_error_fields(body);
  CHECK(fields.severity == "ERROR");
  CHECK(fields.message.empty());
  CHECK_FALSE(fields.well_formed);
}

TEST_CASE("the first of repeated fields counts") {
  const std::string body = bytes_of("SERROR\0SFATAL\0C00001\0C00002\0M\0Mtwo\0\0");
  const ErrorFields fields = parse_error_fields(body);
  CHECK(fields.severity == "ERROR");
  CHECK(fields.sqlstate.view() == "00001");
  CHECK(fields.message.empty());
}

TEST_CASE("severity tells the end of a connection, in the language of the server too") {
  const auto fatal = [](const std::string& body) { return parse_error_fields(body).is_fatal(); };
  CHECK(fatal(bytes_of("SFATAL\0\0")));
  CHECK(fatal(bytes_of("SPANIK\0VPANIC\0\0")));
  CHECK_FALSE(fatal(bytes_of("SFATAL\0VERROR\0\0")));
  CHECK_FALSE(fatal(bytes_of("\0")));
}

TEST_CASE("only the invariant severity will do as well") {
  const std::string body = bytes_of("VWARNING\0\0");
  CHECK(parse_error_fields(body).severity == "WARNING");
}

TEST_CASE("what we build can be read") {
  std::string out;
  error_response(out, "FATAL", SqlState("28P01"), "no");
  const ErrorFields fields = parse_error_fields(ByteView(out).substr(5));
  CHECK(fields.is_fatal());
  CHECK(fields.sqlstate == SqlState("28P01"));
  CHECK(fields.message == "no");
  CHECK(fields.well_formed);
}

}  // namespace
}  // namespace remuda::wire::notice_test
