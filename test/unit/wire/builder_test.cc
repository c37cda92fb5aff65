#include "remuda/wire/builder.h"

#include <array>

#include "cuts.h"
#include "remuda/wire/sqlstate.h"
#include "support/catch.h"

namespace remuda::wire::builder_test {
namespace {

using test::bytes_of;

template <class Build, class... Args>
std::string built(Build build, const Args&... args) {
  std::string out = "kept";
  build(out, args...);
  REQUIRE(out.substr(0, 4) == "kept");
  return out.substr(4);
}

TEST_CASE("the length is filled in when the builder ends, and only once") {
  std::string out;
  {
    MessageBuilder builder(out, 'x');
    builder.u8(1).u16(0x0203).u32(0x04050607).cstring("ab").bytes("cd");
    builder.finish();
    out += "behind";
  }
  CHECK(out == bytes_of("x\0\0\0\x10\1\2\3\4\5\6\7"
                        "ab\0cd"
                        "behind"));
}

TEST_CASE("a text ends at its first zero byte, so that it stays one field") {
  std::string out;
  query(out, bytes_of("select 1\0; drop table t"));
  CHECK(out == bytes_of("Q\0\0\0\x0dselect 1\0"));
}

TEST_CASE("authentication requests") {
  CHECK(built(authentication_ok) == bytes_of("R\0\0\0\x08\0\0\0\0"));
  CHECK(built(authentication_cleartext) == bytes_of("R\0\0\0\x08\0\0\0\3"));
  CHECK(built(authentication_md5, "\1\2\3\4") == bytes_of("R\0\0\0\x0c\0\0\0\5\1\2\3\4"));
  const std::array<std::string_view, 2> mechanisms{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};
  CHECK(built(authentication_sasl, mechanisms) ==
        bytes_of("R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
  CHECK(built(authentication_sasl_continue, "r=x") == bytes_of("R\0\0\0\x0b\0\0\0\x0br=x"));
  CHECK(built(authentication_sasl_final, "v=y") == bytes_of("R\0\0\0\x0b\0\0\0\x0cv=y"));
}

TEST_CASE("what a server greets with") {
  CHECK(built(parameter_status, "TimeZone", "UTC") == bytes_of("S\0\0\0\x11TimeZone\0UTC\0"));
  CHECK(built(ready_for_query, 'I') == bytes_of("Z\0\0\0\5I"));
}

TEST_CASE("a backend key is four bytes in protocol 3.0 and longer in 3.2") {
  CHECK(built(backend_key_data, 0x80000001u, "abcd") == bytes_of("K\0\0\0\x0c\x80\0\0\1"
                                                                 "abcd"));
  CHECK(built(backend_key_data, 7u, std::string(256, 'k')) ==
        bytes_of("K\0\0\1\x08\0\0\0\7") + std::string(256, 'k'));
}

TEST_CASE("errors and notices carry severity, code and text, and what else they are given") {
  std::string error;
  error_response(error, "FATAL", sqlstate::kProtocolViolation, "no such user");
  CHECK(error == bytes_of("E\0\0\0\x21SFATAL\0C08P01\0Mno such user\0\0"));
  std::string whole;
  error_response(whole, {.severity = "ERROR",
                         .invariant_severity = "ERROR",
                         .sqlstate = sqlstate::kProgramLimitExceeded,
                         .message = "full",
                         .detail = "quite"});
  CHECK(whole == bytes_of("E\0\0\0\x27SERROR\0VERROR\0C54000\0Mfull\0Dquite\0\0"));
  CHECK(built(notice_response, "hi", "") == bytes_of("N\0\0\0\x18SNOTICE\0C00000\0Mhi\0\0"));
  CHECK(built(notice_response, "hi", "you") ==
        bytes_of("N\0\0\0\x1dSNOTICE\0C00000\0Mhi\0Dyou\0\0"));
}

TEST_CASE("negotiation names the version and what is not supported") {
  const std::array<std::string, 2> names{"_pq_.a", "_pq_.b"};
  CHECK(built(negotiate_protocol_version, 0x00030000u, names) ==
        bytes_of("v\0\0\0\x1a\0\3\0\0\0\0\0\2_pq_.a\0_pq_.b\0"));
  CHECK(built(negotiate_protocol_version, 0x00030000u, std::array<std::string, 0>{}) ==
        bytes_of("v\0\0\0\x0c\0\3\0\0\0\0\0\0"));
}

TEST_CASE("a column has the length of its type") {
  const auto description = [](std::initializer_list<Column> columns) {
    return built(row_description, std::vector<Column>(columns));
  };
  CHECK(description({}) == bytes_of("T\0\0\0\6\0\0"));
  CHECK(description({{"a", oid::kText}, {"b", oid::kInt4}}) ==
        bytes_of("T\0\0\0\x2e\0\2"
                 "a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
                 "b\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"));
  CHECK(description({{"c", oid::kInt8}}).substr(15) ==
        bytes_of("\0\0\0\x14\0\x08\xff\xff\xff\xff\0\0"));
  CHECK(description({{"d", oid::kNumeric}}).substr(15) ==
        bytes_of("\0\0\6\xa4\xff\xff\xff\xff\xff\xff\0\0"));
  CHECK(description({{"e", oid::kBytea}}).substr(15) ==
        bytes_of("\0\0\0\x11\xff\xff\xff\xff\xff\xff\0\0"));
  CHECK(description({{"f", oid::kBool}}).substr(15) ==
        bytes_of("\0\0\0\x10\0\1\xff\xff\xff\xff\0\0"));
}

TEST_CASE("a row tells an empty value from NULL, and a value may hold any byte") {
  const std::vector<Value> values{bytes_of("a\0b"), "", std::nullopt};
  CHECK(built(data_row, values) == bytes_of("D\0\0\0\x15\0\3\0\0\0\3a\0b\0\0\0\0\xff\xff\xff\xff"));
}

TEST_CASE("the end of a command") {
  CHECK(built(command_complete, "SHOW") == bytes_of("C\0\0\0\x09SHOW\0"));
  CHECK(built(empty_query_response) == bytes_of("I\0\0\0\4"));
}

TEST_CASE("packets that open a connection have no type") {
  CHECK(built(ssl_request) == bytes_of("\0\0\0\x08\x04\xd2\x16\x2f"));
  CHECK(built(gssenc_request) == bytes_of("\0\0\0\x08\x04\xd2\x16\x30"));
  CHECK(built(cancel_request, 0x01020304u, "abcd") == bytes_of("\0\0\0\x10\x04\xd2\x16\x2e\1\2\3\4"
                                                               "abcd"));
  const std::vector<Parameter> parameters{{"user", "u"}, {"database", ""}};
  CHECK(built(startup_message, parameters, 0x00030002u) ==
        bytes_of("\0\0\0\x1a\0\3\0\2user\0u\0database\0\0\0"));
}

TEST_CASE("passwords and SASL answers") {
  CHECK(built(password_message, "pw") == bytes_of("p\0\0\0\7pw\0"));
  CHECK(built(sasl_initial_response, "SCRAM-SHA-256", "n,,n=,r=x") ==
        bytes_of("p\0\0\0\x1fSCRAM-SHA-256\0\0\0\0\x09n,,n=,r=x"));
  CHECK(built(sasl_response, "c=biws") == bytes_of("p\0\0\0\x0a"
                                                   "c=biws"));
}

TEST_CASE("what a client asks") {
  CHECK(built(query, "select 1") == bytes_of("Q\0\0\0\x0dselect 1\0"));
  CHECK(built(terminate) == bytes_of("X\0\0\0\4"));
}

}  // namespace
}  // namespace remuda::wire::builder_test
