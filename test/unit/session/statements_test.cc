// Prepared statements that follow their client: exact bytes to both sides.
#include "unit/session/harness.h"

namespace remuda::session::test::statements_test {
using namespace std::string_literals;

namespace {

std::string body_of(std::string_view sql) {
  return zero_ended(sql) + "\0\0"s;
}
std::string prepare(std::string_view name, std::string_view sql) {
  return message('P', zero_ended(name) + body_of(sql));
}
std::string bind_to(std::string_view name, std::string_view values = "values") {
  return message('B', zero_ended("portal") + zero_ended(name) + std::string(values));
}
std::string describe_statement(std::string_view name) {
  return message('D', "S" + zero_ended(name));
}
std::string close_statement(std::string_view name) {
  return message('C', "S" + zero_ended(name));
}
// What makes the server fail where we refuse.
std::string nowhere() {
  return message('B', zero_ended("") + zero_ended("remuda_nowhere") + std::string(6, '\0'));
}
std::string refusal(std::string_view code, std::string_view text, std::string_view detail = {}) {
  std::string fields = "S" + zero_ended("ERROR") + "V" + zero_ended("ERROR") + "C" +
                       zero_ended(code) + "M" + zero_ended(text);
  if (!detail.empty()) fields += "D" + zero_ended(detail);
  return message('E', fields + '\0');
}
std::string unknown(std::string_view name) {
  return refusal("26000", "prepared statement \"" + std::string(name) + "\" does not exist",
                 "This prepared statement did not exist for this client: it was never prepared, "
                 "or has been deallocated.");
}
std::string coded_error(std::string_view code, std::string_view routine = "f") {
  return message('E', "C" + zero_ended(code) + "R" + zero_ended(routine) + '\0');
}

// What the server calls it, for this client.
std::string renamed(Talk& t, std::string_view sql) {
  const StatementRef statement =
      t.statements.intern(body_of(sql), t.client_view.parameters->context(), {});
  return std::string(view_of(server_name(statement->digest())));
}

const std::string kRun = execute() + sync();
const std::string kRan = bind_complete() + complete("SELECT 1");

// The client has prepared `sql` as `name`, and given the server back.
void have(Talk& t, std::string_view name, std::string_view sql) {
  t.client(prepare(name, sql) + sync());
  if (!t.linked()) t.link();
  if (t.to_server().size() > sync().size()) t.server(parse_complete());
  t.server(ready('I'));
  REQUIRE(t.to_client() == parse_complete() + ready('I'));
}

// Another server, which has nothing.
void change_server(Talk& t) {
  t.server_view.statements.clear();
  t.server_view.unnamed.set({});
}

}  // namespace

TEST_CASE("a statement is prepared under the name of its content, and used under it") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("a", "select 1") + bind_to("a") + describe_statement("a") + kRun);
    t.link();
    const std::string name = renamed(t, "select 1");
    CHECK(name.size() == 39);
    CHECK(t.to_server() ==
          prepare(name, "select 1") + bind_to(name) + describe_statement(name) + kRun);
    const std::string replies =
        parse_complete() + bind_complete() + no_data() + complete("SELECT 1") + ready('I');
    t.server(replies);
    CHECK(t.to_client() == replies);
    CHECK(t.needs() == "server release");
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.server_view.changes.empty());
  });
}

TEST_CASE("what the server has is not sent again, and answered in its turn") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(bind_to("a") + execute() + prepare("b", "select 1") + bind_to("b") + kRun);
    t.link();
    const std::string name = renamed(t, "select 1");
    CHECK(t.to_server() == bind_to(name) + execute() + bind_to(name) + kRun);
    t.server(kRan + kRan + ready('I'));
    CHECK(t.to_client() == kRan + parse_complete() + kRan + ready('I'));
    CHECK(t.server_view.is_quiet());
  });
}

TEST_CASE("a Flush brings what we answer ourselves, without waiting for the server") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(prepare("b", "select 1") + flush());
    t.link();
    CHECK(t.to_client() == parse_complete());
    CHECK(t.to_server() == flush());
    CHECK(!t.server_view.is_quiet());
    t.client(close_statement("b") + sync());
    CHECK(t.to_client().empty());
    t.server(ready('I'));
    CHECK(t.to_client() == close_complete() + ready('I'));
    CHECK(t.needs() == "server release server release");
  });
}

TEST_CASE("a Flush brings nothing into the middle of another reply") {
  Talk t;
  t.follow_statements();
  have(t, "a", "select 1");
  t.client(bind_to("a") + execute() + prepare("b", "select 1"));
  t.link();
  const std::string done = complete("SELECT 1");
  t.server(bind_complete() + done.substr(0, 7));
  t.client(flush());
  CHECK(t.to_client() == bind_complete() + done.substr(0, 7));
  t.server(done.substr(7));
  CHECK(t.to_client() == done.substr(7) + parse_complete());
}

TEST_CASE("a server that lacks the statement gets it in front of its first use") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    change_server(t);
    t.client(bind_to("a") + kRun);
    t.link();
    const std::string name = renamed(t, "select 1");
    CHECK(t.to_server() == prepare(name, "select 1") + bind_to(name) + kRun);
    t.server(parse_complete() + kRan + ready('I'));
    CHECK(t.to_client() == kRan + ready('I'));
  });
}

TEST_CASE("an error of the statement in front is the client's error") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select gone");
    change_server(t);
    t.client(bind_to("a") + kRun);
    t.link();
    t.server(error("no table") + ready('I'));
    CHECK(t.to_client() == error("no table") + ready('I'));
    CHECK(t.server_view.statements.size() == 0);
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("a Parse that fails was never there") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("a", "bad") + bind_to("a") + prepare("b", "good") + kRun);
    t.link();
    t.server(error("syntax") + ready('I'));
    CHECK(t.client_view.statements->named.empty());
    CHECK(t.server_view.statements.size() == 0);
    CHECK(t.server_view.changes.empty());
    t.to_server();
    t.client(prepare("a", "good") + sync());
    t.link();
    CHECK(t.to_server() == prepare(renamed(t, "good"), "good") + sync());
  });
}

TEST_CASE("what the client sends while the server skips is not prepared") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("a", "bad") + flush());
    t.link();
    t.server(error("syntax"));
    t.to_server();
    t.client(prepare("b", "good") + bind_to("none") + close_statement("a") + sync());
    CHECK(t.to_server() == sync());
    t.server(ready('I'));
    CHECK(t.to_client() == error("syntax") + ready('I'));
    CHECK(t.client_view.statements->named.empty());
  });
}

TEST_CASE("a Close is undone when the server skips it") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(bind_to("a") + execute() + close_statement("a") + prepare("a", "select 2") + sync());
    t.link();
    t.server(bind_complete() + error("division by zero") + ready('I'));
    t.to_client();
    t.to_server();
    CHECK(t.server_view.statements.size() == 1);
    t.client(bind_to("a") + kRun);
    t.link();
    CHECK(t.to_server() == bind_to(renamed(t, "select 1")) + kRun);
  });
}

TEST_CASE("a name in use is refused where PostgreSQL refuses it") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(bind_to("a") + execute() + prepare("a", "select 2") + bind_to("a") + kRun);
    t.link();
    const std::string name = renamed(t, "select 1");
    CHECK(t.to_server() == bind_to(name) + execute() + nowhere() + bind_to(name) + kRun);
    t.server(kRan + error("no such statement") + ready('I'));
    CHECK(t.to_client() ==
          kRan + refusal("42P05", "prepared statement \"a\" already exists") + ready('I'));
    CHECK(t.reusable());
    CHECK(t.client_view.statements->complaint == "prepared statement 'a' was already prepared");
  });
}

TEST_CASE("an unknown name is refused where PostgreSQL refuses it") {
  every_cut([](Talk& t) {
    t.follow_statements();
    for (const std::string& use : {bind_to("x"), describe_statement("x")}) {
      t.client(use + kRun);
      t.link();
      CHECK(t.to_server() == nowhere() + kRun);
      t.server(error("no such statement") + ready('E'));
      t.client(query("rollback"));
      t.server(complete("ROLLBACK") + ready('I'));
      CHECK(t.to_client() == unknown("x") + ready('E') + complete("ROLLBACK") + ready('I'));
      CHECK(t.reusable());
      t.to_server();
    }
  });
}

TEST_CASE("closing an unknown name is answered") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(close_statement("x") + close_statement("") + sync());
    t.link();
    CHECK(t.to_server() == sync());
    t.server(ready('I'));
    CHECK(t.to_client() == close_complete() + close_complete() + ready('I'));
  });
}

TEST_CASE("portals pass as they are, though they be called like a statement") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    const std::string portals =
        message('D', "P" + zero_ended("a")) + message('C', "P" + zero_ended("a")) + sync();
    t.client(bind_to("a") + portals);
    t.link();
    CHECK(t.to_server() == bind_to(renamed(t, "select 1")) + portals);
    t.server(bind_complete() + no_data() + close_complete() + ready('I'));
    CHECK(t.to_client() == bind_complete() + no_data() + close_complete() + ready('I'));
    CHECK(t.client_view.statements->named.size() == 1);
  });
}

TEST_CASE("the statement used least recently goes when there is no room") {
  every_cut([](Talk& t) {
    t.follow_statements(2);
    have(t, "a", "select 1");
    have(t, "b", "select 2");
    t.client(bind_to("a") + execute() + prepare("c", "select 3") + bind_to("c") + kRun);
    t.link();
    const std::string third = renamed(t, "select 3");
    CHECK(t.to_server() == bind_to(renamed(t, "select 1")) + execute() +
                               close_statement(renamed(t, "select 2")) +
                               prepare(third, "select 3") + bind_to(third) + kRun);
    t.server(kRan + close_complete() + parse_complete() + kRan + ready('I'));
    CHECK(t.to_client() == kRan + parse_complete() + kRan + ready('I'));
    CHECK(t.server_view.statements.size() == 2);
  });
}

TEST_CASE("an eviction that the server skips has not happened") {
  every_cut([](Talk& t) {
    t.follow_statements(1);
    have(t, "a", "select 1");
    t.client(execute() + prepare("b", "select 2") + prepare("c", "select 3") + sync());
    t.link();
    t.server(error("no portal") + ready('I'));
    t.to_server();
    t.client(bind_to("a") + kRun);
    t.link();
    CHECK(t.to_server() == bind_to(renamed(t, "select 1")) + kRun);
  });
}

TEST_CASE("a lowered limit acts at the next statement") {
  whole_and_bytewise([](Talk& t) {
    t.follow_statements(5);
    for (const char* sql : {"1", "2", "3", "4", "5"}) have(t, sql, sql);
    t.limits.max_prepared_statements = 2;
    t.client(prepare("6", "6") + sync());
    t.link();
    std::string closes;
    for (const char* sql : {"1", "2", "3", "4"}) closes += close_statement(renamed(t, sql));
    CHECK(t.to_server() == closes + prepare(renamed(t, "6"), "6") + sync());
    t.server(close_complete() + close_complete() + close_complete() + close_complete() +
             parse_complete() + ready('I'));
    CHECK(t.to_client() == parse_complete() + ready('I'));
    CHECK(t.server_view.statements.size() == 2);
  });
}

// Whether the server is given back in between depends on how its answers arrive.
TEST_CASE("what an earlier batch decides is waited for") {
  for (const size_t cut : {Cut::kWhole, Cut::kEveryByte}) {
    Talk t(Cut{cut});
    t.follow_statements();
    t.client(prepare("a", "bad") + sync() + bind_to("a") + kRun);
    t.link();
    CHECK(t.to_server() == prepare(renamed(t, "bad"), "bad") + sync());
    CHECK(t.wants_room());
    t.server(error("syntax") + ready('I'));
    if (!t.linked()) t.link();
    CHECK(t.to_server() == nowhere() + kRun);
    t.server(error("no such statement") + ready('I'));
    CHECK(t.to_client() == error("syntax") + ready('I') + unknown("a") + ready('I'));
    CHECK(t.reusable());
  }
}

TEST_CASE("DEALLOCATE ALL and DISCARD ALL end all statements on both sides") {
  for (const std::string& sql : {"deallocate all"s, " Discard All"s}) {
    every_cut([&](Talk& t) {
      t.follow_statements();
      have(t, "a", "select 1");
      t.client(query(sql) + bind_to("a") + kRun);
      t.link();
      CHECK(t.to_server() == query(sql));
      t.server(complete(sql[0] == ' ' ? "DISCARD ALL" : "DEALLOCATE ALL") + ready('I'));
      if (!t.linked()) t.link();
      CHECK(t.to_server() == nowhere() + kRun);
      CHECK(t.server_view.statements.size() == 0);
    });
  }
}

TEST_CASE("what follows a prepared DEALLOCATE ALL in its batch waits for it") {
  Talk t;
  t.follow_statements();
  have(t, "b", "select 1");
  t.client(prepare("", "deallocate all") + bind_to("") + execute() + prepare("b", "select 2") +
           sync());
  t.link();
  CHECK(t.to_server() == prepare("", "deallocate all") + bind_to("") + execute() + flush());
  t.server(parse_complete() + bind_complete() + complete("DEALLOCATE ALL"));
  CHECK(t.to_server() == prepare(renamed(t, "select 2"), "select 2") + sync());
  t.server(parse_complete() + ready('I'));
  CHECK(t.server_view.statements.size() == 1);
  CHECK(t.client_view.statements->named.size() == 1);
}

TEST_CASE("DEALLOCATE of a name ends that name, whatever server the client has") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(query("DEALLOCATE \"a\""));
    t.link();
    CHECK(t.to_server() == query("PREPARE remuda_gone_0 AS SELECT;DEALLOCATE remuda_gone_0"));
    t.server(complete("PREPARE") + complete("DEALLOCATE") + ready('I'));
    t.client(bind_to("a") + kRun);
    t.link();
    CHECK(t.to_server() == nowhere() + kRun);
    t.server(error("no such statement") + ready('I'));
    CHECK(t.to_client() == complete("DEALLOCATE") + ready('I') + unknown("a") + ready('I'));
    CHECK(t.server_view.statements.size() == 1);
  });
}

TEST_CASE("a DEALLOCATE by the extended protocol ends the server's copy") {
  for (const bool server_has_it : {true, false}) {
    every_cut([&](Talk& t) {
      t.follow_statements();
      have(t, "_pg3_0", "select 1");
      if (!server_has_it) change_server(t);
      const std::string known = renamed(t, "select 1");
      t.client(prepare("", "DEALLOCATE _pg3_0") + bind_to("") + execute() + sync());
      t.link();
      CHECK(t.to_server() == (server_has_it ? "" : prepare(known, "select 1")) +
                                 prepare("", "DEALLOCATE \"" + known + "\"") + bind_to("") +
                                 execute() + sync());
      if (!server_has_it) t.server(parse_complete());
      t.server(parse_complete() + bind_complete() + complete("DEALLOCATE") + ready('I'));
      CHECK(t.to_client() ==
            parse_complete() + bind_complete() + complete("DEALLOCATE") + ready('I'));
      CHECK(t.server_view.statements.size() == 0);
      CHECK(t.client_view.statements->named.empty());
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("a DEALLOCATE that fails has ended nothing") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(query("begin") + query("deallocate a"));
    t.link();
    t.server(complete("BEGIN") + ready('T') + error("aborted") + ready('E'));
    CHECK(t.client_view.statements->named.size() == 1);
  });
}

TEST_CASE("DEALLOCATE of a name that the client has not is the server's to refuse") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(query("deallocate b"));
    t.link();
    CHECK(t.to_server() == query("deallocate b"));
    t.server(error("no such statement") + ready('I'));
    CHECK(t.to_client() == error("no such statement") + ready('I'));
    CHECK(t.client_view.statements->named.size() == 1);
  });
}

TEST_CASE("a reset query of ours ends the server's statements, not the client's") {
  Talk t;
  t.follow_statements();
  have(t, "a", "select 1");
  t.internal_query();
  t.server(complete("DISCARD ALL") + ready('I'));
  CHECK(t.server_view.statements.size() == 0);
  CHECK(t.client_view.statements->named.size() == 1);
}

TEST_CASE("the unnamed statement follows the client") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string first = prepare("", "select 1") + describe_statement("") + sync();
    t.client(first);
    t.link();
    CHECK(t.to_server() == first);
    t.server(parse_complete() + no_data() + ready('I'));
    t.client(bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == bind_to("") + kRun);
    t.server(kRan + ready('I'));
    change_server(t);
    t.client(bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == prepare("", "select 1") + bind_to("") + kRun);
    t.server(parse_complete() + kRan + ready('I'));
    CHECK(t.to_client() ==
          parse_complete() + no_data() + ready('I') + kRan + ready('I') + kRan + ready('I'));
  });
}

TEST_CASE("the unnamed statement of another client is never used") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("", "secret") + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    t.next_client();
    t.to_server();
    t.to_client();
    t.client(bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == nowhere() + kRun);
    t.server(error("no such statement") + ready('I'));
    CHECK(t.to_client() ==
          refusal("26000", "unnamed prepared statement does not exist") + ready('I'));
  });
}

TEST_CASE("a simple query ends the unnamed statement, of the client and on the server") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("", "select 1") + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    t.client(query("select 2"));
    t.link();
    t.server(complete("SELECT 1") + ready('I'));
    t.to_server();
    t.client(bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == nowhere() + kRun);
  });
}

TEST_CASE("a query of ours ends the unnamed statement on the server only") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("", "select 1") + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    t.to_server();
    t.internal_query();
    t.server(complete("SET") + ready('I'));
    t.client(bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == prepare("", "select 1") + bind_to("") + kRun);
  });
}

TEST_CASE("with prepare_unnamed the unnamed statement keeps its plan") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.limits.prepare_unnamed = true;
    const std::string name = renamed(t, "select 1");
    t.client(prepare("", "select 1") + bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == prepare(name, "select 1") + bind_to(name) + kRun);
    t.server(parse_complete() + kRan + ready('I'));
    t.client(prepare("", "select 1") + bind_to("") + kRun);
    t.link();
    CHECK(t.to_server() == bind_to(name) + kRun);
    t.server(kRan + ready('I'));
    CHECK(t.to_client() ==
          parse_complete() + kRan + ready('I') + parse_complete() + kRan + ready('I'));
  });
}

TEST_CASE("equal texts under different settings are different statements") {
  Talk t;
  t.follow_statements();
  have(t, "a", "select '1/2/2020'::date");
  const std::string before = renamed(t, "select '1/2/2020'::date");
  t.client_view.parameters = t.client_view.parameters.with("DateStyle", "ISO, DMY");
  const std::string after = renamed(t, "select '1/2/2020'::date");
  CHECK(before != after);
  t.client_view.parameters = t.client_view.parameters.with("application_name", "any");
  CHECK(renamed(t, "select '1/2/2020'::date") == after);

  // Where it is still as the client prepared it, it is that which is used.
  // Where it is still as the client prepared it, it is that which is used.
  t.client(bind_to("a") + kRun);
  t.link();
  CHECK(t.to_server() == bind_to(before) + kRun);
  t.server(kRan + ready('I'));
  change_server(t);
  t.client(bind_to("a") + kRun);
  t.link();
  CHECK(t.to_server() == prepare(after, "select '1/2/2020'::date") + bind_to(after) + kRun);
}

TEST_CASE("an outdated plan is an error once, and then prepared anew") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select *");
    const std::string before = renamed(t, "select *");
    t.client(bind_to("a") + kRun);
    t.link();
    t.to_server();
    const std::string outdated = coded_error("0A000", "RevalidateCachedQuery");
    t.server(outdated + ready('I'));
    CHECK(t.to_client() == outdated + ready('I'));
    t.client(bind_to("a") + kRun);
    t.link();
    const std::string after = renamed(t, "select *");
    CHECK(before != after);
    CHECK(t.to_server() == prepare(after, "select *") + bind_to(after) + kRun);
  });
}

TEST_CASE("a server that lost a statement, or has one too many, is not lent again") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select 1");
    t.client(bind_to("a") + kRun);
    t.link();
    t.server(coded_error("26000") + ready('I'));
    CHECK(t.server_view.suspect);
  });
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(prepare("a", "select 1") + sync());
    t.link();
    t.server(coded_error("42P05") + ready('I'));
    CHECK(t.server_view.suspect);
  });
}

TEST_CASE("long texts and names arrive to the byte") {
  const std::string sql = "select '" + std::string(70'000, 'x') + "'";
  const std::string name(16 * 1024, 'n');
  whole_and_bytewise([&](Talk& t) {
    t.follow_statements();
    const std::string values(50'000, 'v');
    t.client(prepare(name, sql) + bind_to(name, values) + kRun);
    t.link();
    const std::string known = renamed(t, sql);
    CHECK(t.to_server() == prepare(known, sql) + bind_to(known, values) + kRun);
  });
}

TEST_CASE("a text that is too long to keep works as the unnamed statement, in one batch") {
  const std::string sql(1024 * 1024 + 1, 'x');
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(prepare("", sql) + bind_to("") + kRun);
  t.link();
  CHECK(t.to_server() == prepare("", sql) + bind_to("") + kRun);
  t.server(parse_complete() + kRan + ready('I'));
  CHECK(t.to_client() == parse_complete() + kRan + ready('I'));
  change_server(t);
  t.client(bind_to("") + kRun);
  t.link();
  CHECK(t.to_server() == nowhere() + kRun);
  t.server(error("no such statement") + ready('I'));
  CHECK_THAT(t.to_client(), Catch::Contains("54000"));
  CHECK(t.reusable());
}

TEST_CASE("a text that is too long to keep under a name is refused, and read over") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(prepare("a", std::string(16 * 1024 * 1024, 'x')) + sync());
  t.link();
  CHECK(t.to_server() == nowhere() + sync());
  t.server(error("no such statement") + ready('I'));
  CHECK_THAT(t.to_client(), Catch::Contains("54000"));
  CHECK(t.reusable());
}

TEST_CASE("names that do not end cost little and end the connection") {
  Talk t;
  t.follow_statements();
  t.client(header('B', 1'000'000) + std::string(100'000, 'p'));
  CHECK_THAT(t.needs(), Catch::Contains("too long"));
  Talk u;
  u.follow_statements();
  u.client(message('P', "no end"));
  u.link();
  CHECK_THAT(u.needs(), Catch::Contains("invalid message format"));
}

TEST_CASE("in session mode, or with a limit of zero, nothing is touched") {
  const auto passes = [](Talk& t) {
    const std::string batch = prepare("a", "select 1") + bind_to("a") + describe_statement("a") +
                              close_statement("a") + kRun;
    t.client(batch);
    t.link();
    CHECK(t.to_server() == batch);
  };
  every_cut([&](Talk& t) { passes(t); });
  every_cut(
      [&](Talk& t) {
        t.follow_statements();
        passes(t);
      },
      Release::session);
}

TEST_CASE("a client that has left changes the server's statements only by what it answers") {
  Talk t;
  t.follow_statements();
  have(t, "a", "select 1");
  t.client(prepare("b", "select 2") + prepare("c", "select 1") + prepare("d", "bad") +
           prepare("e", "select 3") + sync());
  t.link();
  bool needs_sync = false;
  REQUIRE(abandon(t.server_view, needs_sync));
  t.unlink();
  t.server(parse_complete() + error("syntax") + ready('I'));
  CHECK(t.server_view.is_quiet());
  CHECK(t.server_view.statements.size() == 2);
  CHECK(t.server_view.changes.empty());
}

TEST_CASE("a client's statements by value, and back") {
  Talk t;
  t.follow_statements();
  have(t, "a", "select 1");
  have(t, "b", "select 2");
  const StatementCopies copies = copy_out(t.client_view.statements.get());
  CHECK(copies.size() == 2);
  const auto again = copy_in(copies, t.statements);
  CHECK(again->named.at("a") == t.client_view.statements->named.at("a"));
  CHECK(copy_in({}, t.statements) == nullptr);
}

}  // namespace remuda::session::test::statements_test
