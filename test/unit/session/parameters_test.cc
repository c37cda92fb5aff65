#include "remuda/session/parameters.h"

#include <string>

#include "support/catch.h"

namespace remuda::session::parameters_test {
namespace {

// What one SET writes for a value, after "SET name=".
std::string assignment(const std::string& name, const std::string& value) {
  ParameterTable table;
  const ParameterSetRef client = table.intern({{name, value}});
  return replay_sql(*table.empty_set(), *client);
}

TEST_CASE("equal sets are one set") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"TimeZone", "UTC"}, {"DateStyle", "ISO"}});
  const ParameterSetRef b = table.intern({{"DateStyle", "ISO"}, {"TimeZone", "UTC"}});
  CHECK(a == b);
  CHECK(table.size() == 2);  // this and the empty one
  CHECK(!(a == table.empty_set()));
  CHECK(table.intern({}) == table.empty_set());
}

TEST_CASE("names are compared without case") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"TimeZone", "UTC"}});
  CHECK(table.intern({{"timezone", "UTC"}}) == a);
  CHECK(a.with("TIMEZONE", "UTC") == a);
  CHECK(*a->find("tImEzOnE") == "UTC");
  CHECK(a->find("TimeZon") == nullptr);
  CHECK(a->find("") == nullptr);
  CHECK(same_name("application_name", "APPLICATION_NAME"));
  CHECK(!same_name("a_b", "a b"));
  CHECK(!same_name("[", "{"));  // only letters have a case
}

TEST_CASE("C2.16 values are compared to the byte") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"search_path", "\"Tenant\""}});
  const ParameterSetRef b = table.intern({{"search_path", "tenant"}});
  const ParameterSetRef c = table.intern({{"search_path", "Tenant"}});
  CHECK(!(a == b));
  CHECK(!(b == c));
  CHECK(replay_sql(*b, *c) == "SELECT pg_catalog.set_config('search_path','Tenant',false);");
}

TEST_CASE("the last value of a name wins") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"a", "1"}, {"B", "x"}, {"A", "2"}, {"a", "3"}});
  CHECK(*a->find("a") == "3");
  CHECK(a->values().size() == 2);
  CHECK(*a.with("b", "y")->find("B") == "y");
}

TEST_CASE("a set lives as long as its last reference") {
  ParameterTable table;
  {
    ParameterSetRef a = table.intern({{"a", "1"}});
    ParameterSetRef copy = a;
    ParameterSetRef moved = std::move(a);
    CHECK(!a);
    a = moved;
    moved = table.empty_set();
    copy = table.intern({{"a", "2"}});
    CHECK(*a->find("a") == "1");
    CHECK(table.size() == 3);
    ParameterSetRef& same = a;
    a = same;
    CHECK(*a->find("a") == "1");
  }
  CHECK(table.size() == 1);
}

TEST_CASE("a changed set is another set, and the way back leads to the same") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"a", "1"}, {"b", "2"}});
  const ParameterSetRef b = a.with("a", "9");
  CHECK(*a->find("a") == "1");
  CHECK(*b->find("a") == "9");
  CHECK(b.with("a", "1") == a);
  CHECK(a.with("a", "1") == a);
}

TEST_CASE("what only describes the server is not part of a set") {
  for (const char* name :
       {"server_version", "SERVER_ENCODING", "is_superuser", "session_authorization",
        "integer_datetimes", "in_hot_standby", "pgbouncer.version", "remuda.version"}) {
    CHECK(!is_settable_parameter(name));
  }
  for (const char* name : {"TimeZone", "DateStyle", "client_encoding", "application_name",
                           "standard_conforming_strings", "search_path", "my.setting",
                           "default_transaction_read_only", ""}) {
    CHECK(is_settable_parameter(name));
  }
}

TEST_CASE("nothing is replayed between equal sets") {
  ParameterTable table;
  const ParameterSetRef a = table.intern({{"TimeZone", "UTC"}});
  CHECK(replay_sql(*a, *a).empty());
  CHECK(replay_sql(*table.empty_set(), *table.empty_set()).empty());
}

TEST_CASE("what differs is set, what the client never had is reset") {
  ParameterTable table;
  const ParameterSetRef server = table.intern({{"a", "1"}, {"B", "2"}, {"c", "3"}});
  const ParameterSetRef client = table.intern({{"A", "1"}, {"b", "two"}, {"d", "4"}});
  CHECK(replay_sql(*server, *client) == "SET b='two';SET d='4';RESET c;");
}

TEST_CASE("C2.16 values of any length are replayed whole") {
  for (const size_t size : {0, 1, 127, 128, 300, 5000, 100000}) {
    const std::string value(size, 'v');
    CHECK(assignment("a", value) == "SET a='" + value + "';");
  }
}

TEST_CASE("quotes and backslashes are replayed whatever standard_conforming_strings is") {
  CHECK(assignment("a", "it's") == "SET a='it''s';");
  CHECK(assignment("a", "'") == "SET a='''';");
  CHECK(assignment("a", "\\") == "SET a= E'\\\\';");
  CHECK(assignment("a", "\\'; drop table t; --") == "SET a= E'\\\\''; drop table t; --';");
  CHECK(assignment("a", "\"quoted\", ;\n") == "SET a='\"quoted\", ;\n';");
}

TEST_CASE("what is not ASCII does not depend on the encoding the server had") {
  ParameterTable table;
  const ParameterSetRef server = table.intern({{"a", "x"}, {"client_encoding", "SJIS"}});
  const ParameterSetRef client = table.intern({{"a", "\xc3\xbc'\\"}, {"client_encoding", "UTF8"}});
  // The encoding is set first, so that the row of set_config can be sent.
  CHECK(replay_sql(*server, *client) ==
        "SET client_encoding='UTF8';SELECT pg_catalog.set_config('a',pg_catalog.convert_from("
        "pg_catalog.decode('c3bc275c','hex'),'UTF8'),false);");
  CHECK(assignment("a", "\xc3\xbc") == "SET a='\xc3\xbc';");  // no encoding known
}

TEST_CASE("lists that SET would read as one name go through set_config") {
  CHECK(assignment("Search_Path", "\"a b\", c") ==
        "SELECT pg_catalog.set_config('Search_Path','\"a b\", c',false);");
  CHECK(assignment("temp_tablespaces", "it's") ==
        "SELECT pg_catalog.set_config('temp_tablespaces','it''s',false);");
}

TEST_CASE("unusual names are quoted") {
  CHECK(assignment("my.setting_2", "x") == "SET my.setting_2='x';");
  CHECK(assignment("my.se-tting", "x") == "SET \"my.se-tting\"='x';");
  CHECK(assignment("a\"b;--", "x") == "SET \"a\"\"b;--\"='x';");
  ParameterTable table;
  CHECK(replay_sql(*table.intern({{"a b", "1"}}), *table.empty_set()) == "RESET \"a b\";");
}

TEST_CASE("after a replay what is reported counts as reported, the rest as asked") {
  ParameterTable table;
  const ParameterSetRef reported = table.intern({{"TimeZone", "UTC"}, {"DateStyle", "ISO, MDY"}});
  const ParameterSetRef client = table.intern({{"datestyle", "iso"}, {"x", "1"}});
  const ParameterSetRef server =
      table.intern({{"TimeZone", "UTC"}, {"DateStyle", "ISO, MDY"}, {"y", "2"}});
  const ParameterSetRef both = after_replay(server, client, reported);
  CHECK(both == table.intern({{"TimeZone", "UTC"}, {"DateStyle", "ISO, MDY"}, {"x", "1"}}));
  CHECK(replay_sql(*both, *both).empty());
}

TEST_CASE("a table is empty when its sets are gone") {
  ParameterTable table;
  for (int i = 0; i < 100; ++i) {
    ParameterSetRef a = table.intern({{"a", std::to_string(i)}});
    a = a.with("b", "x").with("a", "y");
    CHECK(table.size() == 2);
  }
  CHECK(table.size() == 1);
}

}  // namespace
}  // namespace remuda::session::parameters_test
