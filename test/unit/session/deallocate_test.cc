#include "../src/session/deallocate.h"

#include "support/catch.h"

namespace remuda::session {

TEST_CASE("the name of a DEALLOCATE is read as PostgreSQL does") {
  for (const char* sql : {"DEALLOCATE a_1", "deallocate prepare A_1;", " Deallocate\n\"a_1\" ; "}) {
    INFO(sql);
    CHECK(deallocated_name(sql) == "a_1");
  }
  CHECK(deallocated_name("DEALLOCATE \"A \"\"quoted\"\" name\"") == "A \"quoted\" name");
  CHECK(deallocated_name("DEALLOCATE\"all\"") == "all");
}

TEST_CASE("what ends no statement, or not only one, has no such name") {
  for (const char* sql :
       {"", "DEALLOCATE", "DEALLOCATE ALL", "deallocate prepare all", "DEALLOCATE a; SELECT 1",
        "DEALLOCATE a b", "DEALLOCATES a", "DEALLOCATE \"a", "DEALLOCATE \"\"", "DEALLOCATE 1a",
        "SELECT 1", "/* */ DEALLOCATE a", "DEALLOCATE U&\"a\""}) {
    INFO(sql);
    CHECK(!deallocated_name(sql));
  }
  CHECK(!deallocated_name("DEALLOCATE " + std::string(64, 'a')));
}

}  // namespace remuda::session
