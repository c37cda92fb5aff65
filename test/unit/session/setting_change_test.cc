#include "remuda/session/setting_change.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace remuda::session::setting_change_test {
namespace {

using Kind = SettingChange::Kind;
using Texts = std::vector<std::string>;

const std::string kUtf8 = "UTF8";

// Changes in words: "set NAME: SQL", "reset NAME", with "local" in front.
std::string describe(const SettingChange& change) {
  const std::string text = change.local ? "local " : "";
  switch (change.kind) {
    case Kind::set:
      return text + "set " + change.name + ": " + change.sql;
    case Kind::reset:
      return text + "reset " + change.name;
    case Kind::reset_all:
      return text + "reset all";
    case Kind::discard_all:
      return text + "discard all";
    case Kind::unknown:
      return text + "unknown " + change.name;
  }
  return "";
}

Texts changes_of(const std::string& text, bool standard_strings = true,
                 const std::string* encoding = &kUtf8) {
  std::vector<SettingChange> changes;
  read_setting_changes(statement_kind(text), text, {standard_strings, encoding}, changes);
  Texts texts;
  for (const SettingChange& change : changes) texts.push_back(describe(change));
  return texts;
}

std::string change_of(const std::string& text, bool standard_strings = true,
                      const std::string* encoding = &kUtf8) {
  const Texts texts = changes_of(text, standard_strings, encoding);
  REQUIRE(texts.size() == 1);
  return texts[0];
}

TEST_CASE("SET names a setting and its values") {
  CHECK(change_of("SET Work_Mem = '64MB'") == "set work_mem: SET work_mem TO '64MB';");
  CHECK(change_of("SET SESSION work_mem TO 65536;") == "set work_mem: SET work_mem TO 65536;");
  CHECK(change_of("SET LOCAL a TO on") == "local set a: SET a TO on;");
  CHECK(change_of("set a=-1.5") == "set a: SET a TO -1.5;");
  CHECK(change_of("set a = + 5") == "set a: SET a TO +5;");
  CHECK(change_of("SET/**/a/**/=/**/1--x") == "set a: SET a TO 1;");
  CHECK(change_of("SET sort_mem = 100") == "set work_mem: SET work_mem TO 100;");
  CHECK(change_of("SET a TO $$it's$$") == "set a: SET a TO 'it''s';");
}

TEST_CASE("lists stay as they were written") {
  CHECK(change_of("SET search_path TO \"$user\",Public , 'a b', x1") ==
        "set search_path: SET search_path TO \"$user\", Public, 'a b', x1;");
  CHECK(change_of("SET search_path = ''") == "set search_path: SET search_path TO '';");
}

TEST_CASE("names with dots are quoted part by part") {
  CHECK(change_of("SET App.\"Order\" = 'x'") == "set app.order: SET \"app\".\"order\" TO 'x';");
  CHECK(change_of("SET a . b.c = 1") == "set a.b.c: SET \"a\".\"b\".\"c\" TO 1;");
  const std::string longest(63, 'n');
  CHECK(change_of("SET a." + longest + "xyz = 1") ==
        "set a." + longest + ": SET \"a\".\"" + longest + "\" TO 1;");
}

TEST_CASE("DEFAULT and RESET go back") {
  CHECK(change_of("SET a TO DEFAULT") == "reset a");
  CHECK(change_of("SET LOCAL a = default;") == "local reset a");
  CHECK(change_of("RESET A") == "reset a");
  CHECK(change_of("RESET my.A") == "reset my.a");
  CHECK(change_of("RESET ALL") == "reset all");
  CHECK(change_of("RESET TIME ZONE") == "reset timezone");
  CHECK(change_of("RESET ROLE") == "reset role");
  CHECK(change_of("RESET SESSION AUTHORIZATION") == "reset session_authorization");
  CHECK(change_of("DISCARD ALL") == "discard all");
}

TEST_CASE("forms of SET that name no setting") {
  CHECK(change_of("SET ROLE Admin") == "set role: SET role TO Admin;");
  CHECK(change_of("SET ROLE 'Admin'") == "set role: SET role TO 'Admin';");
  CHECK(change_of("SET ROLE NONE") == "set role: SET role TO NONE;");
  CHECK(change_of("SET LOCAL ROLE \"a\"") == "local set role: SET role TO \"a\";");
  CHECK(change_of("SET SESSION ROLE a") == "set role: SET role TO a;");
  CHECK(change_of("SET role TO a") == "set role: SET role TO a;");
  CHECK(change_of("SET SESSION AUTHORIZATION 'a'") ==
        "set session_authorization: SET session_authorization TO 'a';");
  CHECK(change_of("SET SESSION SESSION AUTHORIZATION a") ==
        "set session_authorization: SET session_authorization TO a;");
  CHECK(change_of("SET LOCAL SESSION AUTHORIZATION DEFAULT") ==
        "local reset session_authorization");
  CHECK(change_of("SET TIME ZONE 'UTC'") == "set timezone: SET timezone TO 'UTC';");
  CHECK(change_of("SET TIME ZONE -7") == "set timezone: SET timezone TO -7;");
  CHECK(change_of("SET TIME ZONE LOCAL") == "reset timezone");
  CHECK(change_of("SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE") == "unknown timezone");
  CHECK(change_of("SET NAMES 'latin1'") == "set client_encoding: SET client_encoding TO 'latin1';");
  CHECK(change_of("SET NAMES") == "reset client_encoding");
  CHECK(change_of("SET SCHEMA 's'") == "set search_path: SET search_path TO 's';");
  CHECK(change_of("SET XML OPTION DOCUMENT") == "set xmloption: SET xmloption TO document;");
}

TEST_CASE("the characteristics of a session are defaults of its transactions") {
  CHECK(changes_of("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, "
                   "READ ONLY NOT DEFERRABLE") ==
        Texts{"set default_transaction_isolation: SET default_transaction_isolation TO "
              "'repeatable read';",
              "set default_transaction_read_only: SET default_transaction_read_only TO on;",
              "set default_transaction_deferrable: SET default_transaction_deferrable TO off;"});
  CHECK(change_of("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE") ==
        "set default_transaction_read_only: SET default_transaction_read_only TO off;");
}

TEST_CASE("what ends with the transaction anyway is no change") {
  for (const char* text : {"SET TRANSACTION READ ONLY", "SET CONSTRAINTS ALL DEFERRED",
                           "SET transaction_isolation = 'serializable'", "SET SEED TO 0.5",
                           "SET SESSION TRANSACTION READ ONLY", "SET LOCAL TRANSACTION READ ONLY",
                           "RESET TRANSACTION ISOLATION LEVEL", "DISCARD PLANS", "SELECT 1"}) {
    INFO(text);
    CHECK(changes_of(text).empty());
  }
}

TEST_CASE("what cannot be read is unknown, never ignored") {
  for (const char* text :
       {"SET a FROM CURRENT", "SET", "SET a", "SET a =", "SET a = U&'x'", "SET a = (1)",
        "SET a = $1", "RESET", "RESET a b", "SET = 1", "SET a = E'\\xff'", "SET \"\xc3\xbc\".a = 1",
        "SET a = 1, ", "SET a = '", "SET SESSION CHARACTERISTICS AS TRANSACTION WHATEVER"}) {
    INFO(text);
    CHECK(change_of(text).starts_with("unknown"));
  }
}

TEST_CASE("C2.16 strings are written so that they read the same everywhere") {
  CHECK(change_of("SET a = 'x\\y'") == "set a: SET a TO  E'x\\\\y';");
  CHECK(change_of("SET a = 'x\\\\y'", false) == "set a: SET a TO  E'x\\\\y';");
  CHECK(change_of("SET a = E'it\\'s'") == "set a: SET a TO 'it''s';");
  for (const size_t size : {127, 128, 300, 5000, 100000}) {
    const std::string value(size, 'v');
    CHECK(change_of("SET a = '" + value + "'") == "set a: SET a TO '" + value + "';");
  }
}

TEST_CASE("what is not ASCII does not depend on the encoding of the server") {
  const std::string text = "\xc3\xbc";
  CHECK(change_of("SET a = '" + text + "'") ==
        "set a: SELECT pg_catalog.set_config('a',pg_catalog.convert_from(pg_catalog.decode("
        "'c3bc','hex'),'UTF8'),false);");
  // "ü", b: quoted as SET would.
  CHECK(change_of("SET search_path = " + text + ", B") ==
        "set search_path: SELECT pg_catalog.set_config('search_path',pg_catalog.convert_from("
        "pg_catalog.decode('22c3bc222c2062','hex'),'UTF8'),false);");
  CHECK(change_of("SET a = '" + text + "'", true, nullptr) == "set a: SET a TO '" + text + "';");
  CHECK(change_of("SET a = E'\\u00fc'").find("'c3bc'") != std::string::npos);
}

TEST_CASE("C2.14 set_config with constants is a SET") {
  CHECK(change_of("SELECT pg_catalog.set_config('search_path', '', false);") ==
        "set search_path: SELECT pg_catalog.set_config('search_path','',false);");
  CHECK(change_of("select set_config('A', 'it''s', true)") ==
        "local set a: SELECT pg_catalog.set_config('a','it''s',false);");
  CHECK(change_of("select set_config('a', null, 'f')") == "reset a");
  CHECK(change_of("select set_config('a'::text, 'b'::text, 'off'::bool) AS x") ==
        "set a: SELECT pg_catalog.set_config('a','b',false);");
  CHECK(changes_of("select set_config('a', '1', true), set_config('b', '2', false) x") ==
        Texts{"local set a: SELECT pg_catalog.set_config('a','1',false);",
              "set b: SELECT pg_catalog.set_config('b','2',false);"});
  CHECK(changes_of("select set_config('transaction_isolation', 'x', false)").empty());
}

TEST_CASE("set_config with anything else is unknown") {
  for (const char* text :
       {"SELECT set_config('a', x, false) FROM t", "SELECT set_config('a', 'b' || 'c', false)",
        "SELECT set_config('a', 'b', false), f()", "SELECT set_config('a', 'b')",
        "SELECT set_config('a', 'b', false) WHERE false", "SELECT set_config(",
        "SELECT set_config('a', 'b', false) FROM generate_series(1, 0)"}) {
    INFO(text);
    CHECK(changes_of(text).back() == "unknown ");
  }
}

TEST_CASE("C2.14 set_config with parameters is known once they are bound") {
  const std::string text = "SELECT set_config($1, $2, $3)";
  std::vector<SettingChange> changes;
  read_setting_changes(statement_kind(text), text, {true, &kUtf8}, changes);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].needs_parameters());
  using Values = std::vector<std::optional<ByteView>>;
  const auto bound = [&](const Values& values) {
    const SettingChange change = bind_parameters(changes[0], values, {true, &kUtf8});
    CHECK(!change.needs_parameters());
    return describe(change);
  };
  const std::string sql = "SELECT pg_catalog.set_config('a','b',false);";
  CHECK(bound({"A", "b", "false"}) == "set a: " + sql);
  CHECK(bound({"A", "b", "t"}) == "local set a: " + sql);
  CHECK(bound({"A", "b", ByteView("\0", 1)}) == "set a: " + sql);
  CHECK(bound({"A", "b", ByteView("\1", 1)}) == "local set a: " + sql);
  CHECK(bound({"a", std::nullopt, "no"}) == "reset a");
  CHECK(bound({"a", "b", std::nullopt}) == "set a: " + sql);
  CHECK(bound({"a", "b"}) == "unknown ");
  CHECK(bound({std::nullopt, "b", "f"}) == "unknown ");
  CHECK(bound({"a", "b", "maybe"}) == "unknown ");
}

TEST_CASE("some arguments of set_config may be constants") {
  const std::string text = "SELECT set_config('search_path', $1, true)";
  std::vector<SettingChange> changes;
  read_setting_changes(statement_kind(text), text, {true, &kUtf8}, changes);
  REQUIRE(changes.size() == 1);
  CHECK(describe(bind_parameters(changes[0], {"x"}, {true, &kUtf8})) ==
        "local set search_path: SELECT pg_catalog.set_config('search_path','x',false);");
}

TEST_CASE("a value of a start-up packet is set as it is") {
  const SettingChange change = setting_assignment("Search_Path", "\"a b\", c", {});
  CHECK(describe(change) ==
        "set search_path: SELECT pg_catalog.set_config('search_path','\"a b\", c',false);");
}

TEST_CASE("settings are reset by a statement that takes their name") {
  const auto reset = [](ByteView name) {
    std::string sql;
    append_reset(sql, name);
    return sql;
  };
  CHECK(reset("work_mem") == "RESET work_mem;");
  CHECK(reset("my.order") == "SELECT pg_catalog.set_config('my.order',NULL,false);");
}

TEST_CASE("tags that tell of settings") {
  CHECK(is_setting_tag("SET"));
  CHECK(is_setting_tag("RESET"));
  CHECK(is_setting_tag("DISCARD ALL"));
  CHECK(!is_setting_tag("SELECT 1"));
  CHECK(!is_setting_tag("SET CONSTRAINTS"));
}

}  // namespace
}  // namespace remuda::session::setting_change_test
