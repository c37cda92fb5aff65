#include "remuda/base/error.h"

#include <cerrno>

#include "support/catch.h"

namespace remuda::error_test {
namespace {

TEST_CASE("a SQLSTATE is five characters, filled up or cut") {
  CHECK(SqlState().view() == "08P01");
  CHECK(SqlState("28P01").view() == "28P01");
  CHECK(SqlState("57").view() == "57000");
  CHECK(SqlState("1234567").view() == "12345");
  CHECK(SqlState("28P01") == SqlState("28P01"));
  CHECK_FALSE(SqlState("28P01") == SqlState("28000"));
}

TEST_CASE("an error carries what the client reads") {
  CHECK(PgError("broken").sqlstate().view() == "08P01");
  const PgError error(SqlState("53300"), "full");
  CHECK(error.sqlstate().view() == "53300");
  CHECK(std::string(error.what()) == "full");
}

TEST_CASE("a system error names what failed and why") {
  const SystemError error(ENOENT, "open x");
  CHECK(error.code().value() == ENOENT);
  CHECK(std::string(error.what()) == "open x: No such file or directory");
}

}  // namespace
}  // namespace remuda::error_test
