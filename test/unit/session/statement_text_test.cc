#include "remuda/session/statement_text.h"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "unit/session/allocations.h"

namespace remuda::session::statement_text_test {
namespace {

using Kind = StatementKind;
using Texts = std::vector<std::string>;

Texts split(ByteView text, bool standard_strings = true) {
  Texts texts;
  ByteView statement;
  while (next_statement(text, statement, standard_strings)) texts.emplace_back(statement);
  return texts;
}

const std::vector<std::pair<const char*, Kind>> kKinds{
    {"SELECT 1", Kind::other},
    {"INSERT INTO t VALUES (1)", Kind::other},
    {"WITH x AS (SELECT 1) SELECT * FROM x", Kind::other},
    {"(SELECT 1)", Kind::other},
    {"settle", Kind::other},
    {"setx = 1", Kind::other},
    {"se", Kind::other},
    {"\xc3\xbc", Kind::other},
    {"", Kind::empty},
    {" ; /* x */ -- y\n ;", Kind::empty},
    {"set a = 1", Kind::set},
    {"SeT\ta TO 1", Kind::set},
    {"/* a /* b */ */ -- c\n\r\n set/**/a=1", Kind::set},
    {";; SET a = 1", Kind::set},
    {"/* set a = 1", Kind::other},
    {"RESET ALL", Kind::reset},
    {"DISCARD ALL", Kind::discard_all},
    {"discard /**/ temporary", Kind::discard_temp},
    {"DISCARD PLANS", Kind::discard},
    {"select set_config('a', 'b', false)", Kind::select_set_config},
    {"SELECT pg_catalog . \"set_config\" ('a', 'b', false)", Kind::select_set_config},
    {"select/**/set_config(", Kind::select_set_config},
    {"SELECT set_config", Kind::other},
    {"SELECT set_configure('a')", Kind::other},
    {"SELECT s FROM t", Kind::other},
    {"SELECT", Kind::other},
    {"SELECT*FROM t", Kind::other},
    {"BEGIN", Kind::begin},
    {"begin;", Kind::begin},
    {"START TRANSACTION READ ONLY", Kind::begin},
    {"COMMIT", Kind::commit},
    {"COMMIT WORK AND NO CHAIN", Kind::commit},
    {"END TRANSACTION", Kind::commit},
    {"COMMIT AND CHAIN", Kind::commit_and_chain},
    {"END WORK AND CHAIN", Kind::commit_and_chain},
    {"COMMIT PREPARED 'x'", Kind::other},
    {"ROLLBACK", Kind::rollback},
    {"ABORT WORK", Kind::rollback},
    {"ROLLBACK TRANSACTION AND CHAIN", Kind::rollback_and_chain},
    {"ROLLBACK PREPARED 'x'", Kind::other},
    {"ROLLBACK TO a", Kind::rollback_to},
    {"ROLLBACK WORK TO SAVEPOINT a", Kind::rollback_to},
    {"SAVEPOINT a", Kind::savepoint},
    {"RELEASE SAVEPOINT a", Kind::release},
    {"PREPARE TRANSACTION 'x'", Kind::prepare_transaction},
    {"PREPARE transaction AS SELECT 1", Kind::prepare},
    {"PREPARE q (int) AS SELECT $1", Kind::prepare},
    {"EXECUTE q(1)", Kind::execute},
    {"EXPLAIN EXECUTE q", Kind::other},
    {"DEALLOCATE q", Kind::deallocate},
    {"DEALLOCATE PREPARE ALL", Kind::deallocate_all},
    {"DEALLOCATE \"all\"", Kind::deallocate},
    {"LISTEN a", Kind::listen},
    {"UNLISTEN *", Kind::unlisten},
    {"NOTIFY a, 'x'", Kind::notify},
    {"DECLARE c CURSOR FOR SELECT 1", Kind::declare_cursor},
    {"DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", Kind::declare_cursor},
    {"DECLARE \"c\" BINARY NO SCROLL CURSOR WITH HOLD FOR SELECT 1", Kind::declare_hold_cursor},
    {"CREATE TEMP TABLE t (a int)", Kind::create_temp},
    {"create local temporary view v as select 1", Kind::create_temp},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", Kind::create_temp},
    {"CREATE GLOBAL TEMPORARY SEQUENCE s", Kind::create_temp},
    {"CREATE TABLE temp (a int)", Kind::other},
    {"LOAD 'x'", Kind::load},
    {"DO $$ begin end $$", Kind::do_block},
    {"CALL p()", Kind::call},
    {"DELETE FROM t", Kind::other},
    {"DROP TABLE t", Kind::other},
};

TEST_CASE("a statement is known by its first words") {
  for (const auto& [text, kind] : kKinds) {
    INFO(text);
    CHECK(statement_kind(text) == kind);
  }
}

TEST_CASE("a text cut anywhere is read to its end and no further") {
  for (const auto& [text, kind] : kKinds) {
    const std::string whole = text;
    for (size_t size = 0; size <= whole.size(); ++size) {
      const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      const ByteView cut(exact.data(), exact.size());
      const Kind seen = statement_kind(cut);
      statement_name(seen, cut);
      may_hold_more(cut);
    }
  }
}

TEST_CASE("finding the kind allocates nothing") {
  const uint64_t before = test::allocations();
  for (const auto& [text, kind] : kKinds) {
    if (statement_kind(text) != kind || may_hold_more("SELECT 1;")) break;
  }
  CHECK(test::allocations() == before);
}

TEST_CASE("a semicolon at the end does not make two statements") {
  CHECK(!may_hold_more("SELECT 1"));
  CHECK(!may_hold_more("SELECT 1 ; ; -- x\n /* ; */ ;"));
  CHECK(!may_hold_more(""));
  CHECK(may_hold_more("SELECT 1; SELECT 2"));
  CHECK(may_hold_more("SELECT ';'"));  // perhaps: next_statement knows
}

TEST_CASE("statements end at semicolons outside quotes, comments and parentheses") {
  CHECK(split("SELECT 1; SET a = 1") == Texts{"SELECT 1", "SET a = 1"});
  CHECK(split(";;a;;b;;") == Texts{"a", "b"});
  CHECK(split(" -- x\n").empty());
  CHECK(split("").empty());
  CHECK(split("a ';' \";\" $$;$$ $x$;$x$ /*;*/ --;\n b; c") ==
        Texts{"a ';' \";\" $$;$$ $x$;$x$ /*;*/ --;\n b", "c"});
  CHECK(split("SET a = '\\'; SET b = 1") == Texts{"SET a = '\\'", "SET b = 1"});
  CHECK(split("SET a = '\\'; SET b = 1", false) == Texts{"SET a = '\\'; SET b = 1"});
  CHECK(split("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SET a = 1") ==
        Texts{"CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)", "SET a = 1"});
  CHECK(split("a; 'b").size() == 2);
}

TEST_CASE("the body of a function in SQL is part of its statement") {
  const std::string body =
      "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true "
      "THEN "
      "1 END; END";
  CHECK(split(body + "; SET a = 1") == Texts{body, "SET a = 1"});
  CHECK(split("CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; END; COMMIT").size() == 2);
  CHECK(split("CREATE TABLE begin_atomic (a int); SET a = 1").size() == 2);
  CHECK(split("BEGIN; SET a = 1; END").size() == 3);
  CHECK(split("CREATE FUNCTION begin() RETURNS int AS 'x'; END").size() == 2);
}

TEST_CASE("names are read from the statements that have one") {
  const auto name = [](const char* text) {
    return statement_name(statement_kind(text), text).value_or("NOTHING");
  };
  CHECK(name("SAVEPOINT Sp") == "sp");
  CHECK(name("; SAVEPOINT \"Sp\"") == "Sp");
  CHECK(name("RELEASE a") == "a");
  CHECK(name("RELEASE SAVEPOINT a;") == "a");
  CHECK(name("RELEASE savepoint") == "savepoint");
  CHECK(name("RELEASE savepoint;") == "savepoint");
  CHECK(name("ROLLBACK TO a") == "a");
  CHECK(name("ROLLBACK WORK TO SAVEPOINT a") == "a");
  CHECK(name("ROLLBACK TRANSACTION TO savepoint") == "savepoint");
  CHECK(name("PREPARE q(int) AS SELECT 1") == "q");
  CHECK(name("EXECUTE q(1)") == "q");
  CHECK(name("DEALLOCATE PREPARE q") == "q");
  CHECK(name("DEALLOCATE prepare") == "prepare");
  CHECK(name("LISTEN ch") == "ch");
  CHECK(name("UNLISTEN *") == "NOTHING");
  CHECK(name("SAVEPOINT") == "NOTHING");
}

}  // namespace
}  // namespace remuda::session::statement_text_test
