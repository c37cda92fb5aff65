// PREPARE, EXECUTE and DEALLOCATE by SQL: exact bytes to both sides.
#include "unit/session/harness.h"

namespace remuda::session::test::sql_statements_test {
using namespace std::string_literals;

namespace {

std::string name_of(Talk& t, const std::string& sql) {
  const StatementRef statement =
      t.statements.intern(zero_ended(sql) + "\0\0"s, t.client_view.parameters->context(), {});
  return '"' + std::string(view_of(server_name(statement->digest()))) + '"';
}
std::string error_of(std::string_view code, std::string_view text) {
  return message('E', "S" + zero_ended("ERROR") + "V" + zero_ended("ERROR") + "C" +
                          zero_ended(code) + "M" + zero_ended(text) + '\0');
}

// What the client sends goes to the server as this, and is answered.
void exchange(Talk& t, const std::string& sent, const std::string& arrives,
              const std::string& replies) {
  t.to_server();
  t.client(query(sent));
  if (!t.linked()) t.link();
  CHECK(t.to_server() == query(arrives));
  t.server(replies + ready('I'));
}

// The extended protocol's messages, with names in the place of the usual empty ones.
std::string parse_of(const std::string& sql, const std::string& name = "") {
  return message('P', zero_ended(name) + zero_ended(sql) + "\0\0"s);
}
std::string bind_of(const std::string& name = "", const std::string& portal = "") {
  return message('B', zero_ended(portal) + zero_ended(name) + "\0\0\0\0\0\0"s);
}
std::string execute_of(const std::string& portal = "") {
  return message('E', zero_ended(portal) + "\0\0\0\0"s);
}
std::string unquoted(const std::string& name) {
  return name.substr(1, name.size() - 2);
}
std::string close_of(const std::string& name) {
  return message('C', "S" + zero_ended(unquoted(name)));
}
std::string extended(const std::string& sql) {
  return parse_of(sql) + bind_of() + execute_of() + sync();
}
std::string answered(const std::string& outcome) {
  return parse_complete() + bind_complete() + outcome + ready('I');
}
// A Parse that the client has not sent.
std::string ours(const std::string& name, const std::string& sql) {
  return parse_of(sql, unquoted(name));
}

// The same as exchange(), by the extended protocol; `before` is answered in front of it.
void run_extended(Talk& t, const std::string& sent, const std::string& arrives,
                  const std::string& outcome, const std::string& before = "") {
  t.to_server();
  t.client(extended(sent));
  if (!t.linked()) t.link();
  CHECK(t.to_server() == arrives);
  t.server(before + answered(outcome));
}

void change_server(Talk& t) {
  t.server_view.statements.clear();
}

}  // namespace

TEST_CASE("a PREPARE is known to servers by its content, and EXECUTE finds it on any of them") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select $1 + 1");
    const std::string prepare = "PREPARE " + name + " AS  select $1 + 1";
    exchange(t, "prepare Q as select $1 + 1", prepare, complete("PREPARE"));
    exchange(t, "execute \"q\" (41);", "EXECUTE " + name + " (41)", complete("SELECT 1"));
    change_server(t);
    exchange(t, "EXECUTE q(42)", prepare + ";EXECUTE " + name + "(42)",
             complete("PREPARE") + complete("SELECT 1"));
    CHECK(t.to_client() == complete("PREPARE") + ready('I') + complete("SELECT 1") + ready('I') +
                               complete("SELECT 1") + ready('I'));
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("the first PREPARE of a client leaves the statements around it as they are") {
  every_cut([](Talk& t) {
    t.follow_statements();
    exchange(t, "select 7; prepare q as select 1; select 8",
             "select 7;PREPARE " + name_of(t, " select 1") + " AS  select 1;select 8",
             complete("SELECT 1") + complete("PREPARE") + complete("SELECT 1"));
    CHECK(t.reusable());
  });
}

TEST_CASE("two clients may use one name for two texts") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  exchange(t, "prepare q as select 1", "PREPARE " + name_of(t, " select 1") + " AS  select 1",
           complete("PREPARE"));
  t.next_client();
  t.follow_statements();
  const std::string other = name_of(t, " select 2");
  exchange(t, "prepare q as select 2", "PREPARE " + other + " AS  select 2", complete("PREPARE"));
  exchange(t, "execute q", "EXECUTE " + other, complete("SELECT 1"));
}

TEST_CASE("parameter types are part of what is prepared") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("prepare q (int, text) as select $1"));
    t.link();
    const std::string sent = t.to_server();
    CHECK_THAT(sent, Catch::Contains("\" (int, text) as select $1"));
    t.server(complete("PREPARE") + ready('I'));
    t.client(query("prepare r as select $1"));
    t.link();
    t.server(complete("PREPARE") + ready('I'));
    CHECK(t.server_view.statements.size() == 2);
  });
}

TEST_CASE("a name in use is refused, also inside a text of several statements") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string prepare = "PREPARE " + name_of(t, " select 1") + " AS  select 1";
    exchange(t, "prepare q as select 1; prepare q as select 2; select 3",
             prepare + ";EXECUTE remuda_nowhere;select 3",
             complete("PREPARE") + error("no such statement"));
    CHECK(t.to_client() == complete("PREPARE") +
                               error_of("42P05", "prepared statement \"q\" already exists") +
                               ready('I'));
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("what the server refuses was never prepared") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("prepare q as selec 1"));
    t.link();
    t.server(error("syntax") + ready('I'));
    CHECK(t.client_view.statements->named.empty());
    CHECK(t.server_view.statements.size() == 0);
    t.to_client();
    exchange(t, "execute q", "execute q", error("no such statement"));
    CHECK(t.to_client() == error("no such statement") + ready('I'));
  });
}

TEST_CASE("a query inside a batch waits until it is known whether it is skipped") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(execute() + query("prepare q as select 1") + sync());
  t.link();
  CHECK(t.to_server() == execute() + flush());
  t.server(error("no such portal"));
  CHECK(t.to_server() == sync());
  t.server(ready('I'));
  CHECK(t.server_view.statements.size() == 0);
  CHECK(t.reusable());
}

TEST_CASE("a DEALLOCATE waits for a batch that may have closed the name, or not") {
  const std::string by_protocol =
      message('P', zero_ended("") + zero_ended("deallocate q") + "\0\0"s) + sync();
  for (const std::string& ends : {query("deallocate q"), by_protocol}) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_statements();
    exchange(t, "prepare q as select 1", "PREPARE " + name_of(t, " select 1") + " AS  select 1",
             complete("PREPARE"));
    t.to_server();
    t.client(execute() + message('C', "S" + zero_ended("q")) + sync() + ends);
    t.link();
    CHECK(t.to_server() == execute() + sync());
    t.server(error("no such portal") + ready('I'));
    if (!t.linked()) t.link();
    CHECK_THAT(t.to_server(), Catch::Contains("DEALLOCATE "));
  }
}

TEST_CASE("what is prepared behind a change of the role, unanswered, is nobody else's") {
  const auto is_suspect = [](const std::string& sent, int replies) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_statements();
    t.follow_settings();
    t.client(sent);
    t.link();
    t.server(complete("SET") + (replies == 1 ? "" : ready('I')) + complete("PREPARE") + ready('I'));
    return t.server_view.suspect;
  };
  const std::string prepare = "prepare q as select 1";
  CHECK(is_suspect(query("set role other;" + prepare), 1));
  CHECK(is_suspect(query("set role other") + query(prepare), 2));
  CHECK(!is_suspect(query("set app.tenant to 1;" + prepare), 1));
}

TEST_CASE("an EXECUTE that prepares under other settings does so under another name") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.follow_settings();
  const std::string before = name_of(t, " select 1");
  exchange(t, "prepare q as select 1", "PREPARE " + before + " AS  select 1", complete("PREPARE"));
  exchange(t, "set role other", "set role other", complete("SET"));
  exchange(t, "execute q", "EXECUTE " + before, complete("SELECT 1"));
  change_server(t);
  t.client(query("execute q"));
  t.link();
  const std::string sent = t.to_server();
  CHECK_THAT(sent, Catch::Contains(" AS  select 1;EXECUTE "));
  CHECK_THAT(sent, !Catch::Contains(before));
}

TEST_CASE("a PREPARE whose transaction fails at its end is there all the same") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("select 1; prepare q as select 1"));
    t.link();
    t.server(complete("SELECT 1") + error_of("23503", "a foreign key") + ready('I'));
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.client_view.statements->named.size() == 1);
  });
}

TEST_CASE("an EXECUTE that fails leaves what was prepared for it") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select 1/$1");
    const std::string prepare = "PREPARE " + name + " AS  select 1/$1";
    exchange(t, "prepare q as select 1/$1", prepare, complete("PREPARE"));
    change_server(t);
    exchange(t, "execute q(0)", prepare + ";EXECUTE " + name + "(0)",
             complete("PREPARE") + error("division by zero"));
    CHECK(t.server_view.statements.size() == 1);
    exchange(t, "execute q(1)", "EXECUTE " + name + "(1)", complete("SELECT 1"));
  });
}

TEST_CASE("a PREPARE of what the server has is a PREPARE all the same") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select 1");
    const std::string prepare = "PREPARE " + name + " AS  select 1";
    exchange(t, "prepare q as select 1", prepare, complete("PREPARE"));
    exchange(t, "prepare r as select 1", "DEALLOCATE " + name + ";" + prepare,
             complete("DEALLOCATE") + complete("PREPARE"));
    CHECK(t.to_client() == complete("PREPARE") + ready('I') + complete("PREPARE") + ready('I'));
    CHECK(t.server_view.statements.size() == 1);
  });
}

TEST_CASE("what is prepared by one protocol is used by the other") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(message('P', zero_ended("q") + zero_ended("select 1") + "\0\0"s) + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    const std::string name = name_of(t, "select 1");
    exchange(t, "execute q", "EXECUTE " + name, complete("SELECT 1"));
    change_server(t);
    exchange(t, "execute q", "PREPARE " + name + " AS select 1;EXECUTE " + name,
             complete("PREPARE") + complete("SELECT 1"));
  });
}

TEST_CASE("a PREPARE that could not be followed leaves no name to the next client") {
  for (const bool settings : {true, false}) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_statements();
    if (settings) t.follow_settings();
    t.client(query("discard all; prepare q as select 1"));
    t.link();
    t.server(complete("DISCARD ALL") + complete("PREPARE") + ready('I'));
    CHECK((settings ? t.server_view.settings.is_lost() : t.server_view.suspect));
  }
}

// ---- By the extended protocol

TEST_CASE("PREPARE and EXECUTE by the extended protocol are sent on with the server's name") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select $1 + 1");
    const std::string prepare = "PREPARE " + name + " AS  select $1 + 1";
    run_extended(t, "prepare Q as select $1 + 1", extended(prepare), complete("PREPARE"));
    run_extended(t, "execute \"q\" (41)", extended("EXECUTE " + name + " (41)"),
                 complete("SELECT 1"));
    CHECK(t.to_client() == answered(complete("PREPARE")) + answered(complete("SELECT 1")));
    CHECK(t.client_view.statements->named.size() == 1);
    change_server(t);
    t.server_view.unnamed.set({});
    run_extended(t, "execute \"q\" (41)",
                 ours(name, " select $1 + 1") + extended("EXECUTE " + name + " (41)"),
                 complete("SELECT 1"), parse_complete());
    CHECK(t.to_client() == answered(complete("SELECT 1")));
    exchange(t, "execute q(1)", "EXECUTE " + name + "(1)", complete("SELECT 1"));
    CHECK(t.reusable());
  });
}

TEST_CASE("a PREPARE of what the server has by the extended protocol is a PREPARE all the same") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select 1");
    const std::string prepare = "PREPARE " + name + " AS  select 1";
    run_extended(t, "prepare q as select 1", extended(prepare), complete("PREPARE"));
    t.to_client();
    t.client(parse_of("prepare r as select 1") + bind_of() + execute_of() + sync());
    t.link();
    CHECK(t.to_server() == parse_of(prepare) + bind_of() + close_of(name) + execute_of() + sync());
    t.server(parse_complete() + bind_complete() + close_complete() + complete("PREPARE") +
             ready('I'));
    CHECK(t.to_client() == answered(complete("PREPARE")));
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.client_view.statements->named.size() == 2);
    CHECK(t.reusable());
  });
}

TEST_CASE("a PREPARE by the extended protocol that fails or is skipped was never prepared") {
  for (const bool is_skipped : {false, true}) {
    every_cut([&](Talk& t) {
      t.follow_statements();
      t.client(parse_of("prepare q as selec 1") + bind_of() + execute_of() + sync());
      t.link();
      const std::string fails = error("syntax") + ready('I');
      t.server(is_skipped ? fails : parse_complete() + bind_complete() + fails);
      CHECK(t.client_view.statements->named.empty());
      CHECK(t.server_view.statements.size() == 0);
      t.to_client();
      t.to_server();
      run_extended(t, "execute q", extended("execute q"), error("no such statement"));
      CHECK(t.to_client() == answered(error("no such statement")));
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("what a PREPARE that was skipped would have replaced is still there") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string prepare = "PREPARE " + name_of(t, " select 1") + " AS  select 1";
    run_extended(t, "prepare q as select 1", extended(prepare), complete("PREPARE"));
    t.client(parse_of("prepare r as select 1") + bind_of() + execute_of() + sync());
    t.link();
    t.server(error("out of memory") + ready('I'));
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("a name in use is refused when the PREPARE is executed") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string prepare = "PREPARE " + name_of(t, " select 1") + " AS  select 1";
    const std::string other = "PREPARE " + name_of(t, " select 2") + " AS  select 2";
    run_extended(t, "prepare q as select 1", extended(prepare), complete("PREPARE"));
    t.to_client();
    t.client(parse_of("prepare q as select 2") + bind_of() + execute_of() + sync());
    t.link();
    CHECK(t.to_server() == parse_of(other) + bind_of() + bind_of("remuda_nowhere") + sync());
    t.server(parse_complete() + bind_complete() + error("no such statement") + ready('I'));
    CHECK(t.to_client() == parse_complete() + bind_complete() +
                               error_of("42P05", "prepared statement \"q\" already exists") +
                               ready('I'));
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("an EXECUTE that is kept under a name runs what its name stands for then") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string first = name_of(t, " select 1");
    const std::string second = name_of(t, " select 2");
    exchange(t, "prepare q as select 1", "PREPARE " + first + " AS  select 1", complete("PREPARE"));
    t.client(parse_of("execute q", "e") + sync());
    t.link();
    const std::string sent = t.to_server();
    CHECK_THAT(sent, Catch::Contains("EXECUTE " + first));
    const std::string kept = '"' + sent.substr(5, first.size() - 2) + '"';
    t.server(parse_complete() + ready('I'));
    exchange(t, "deallocate q", "PREPARE remuda_gone_0 AS SELECT;DEALLOCATE remuda_gone_0",
             complete("PREPARE") + complete("DEALLOCATE"));
    t.to_client();
    t.client(bind_of("e") + execute_of() + sync());
    t.link();
    const std::string nowhere = bind_of("remuda_nowhere");
    CHECK(t.to_server() == bind_of(unquoted(kept)) + nowhere + sync());
    t.server(bind_complete() + error("no such statement") + ready('I'));
    CHECK_THAT(t.to_client(), Catch::Contains("prepared statement \"q\" does not exist"));
    exchange(t, "prepare q as select 2", "PREPARE " + second + " AS  select 2",
             complete("PREPARE"));
    t.client(bind_of("e") + execute_of() + sync());
    t.link();
    const std::string again = t.to_server();
    CHECK_THAT(again, Catch::Contains("EXECUTE " + second));
    t.server(parse_complete() + bind_complete() + complete("SELECT 1") + ready('I'));
    CHECK(t.reusable());
  });
}

TEST_CASE("what an EXECUTE runs is on the server before it is bound there, as its columns are") {
  for (const bool lost_both : {true, false}) {
    every_cut([&](Talk& t) {
      t.follow_statements();
      const std::string name = name_of(t, " select 1");
      exchange(t, "prepare q as select 1", "PREPARE " + name + " AS  select 1",
               complete("PREPARE"));
      t.client(parse_of("execute q", "e") + sync());
      t.link();
      const std::string sent = t.to_server();
      const std::string kept = sent.substr(5, name.size() - 2);
      CHECK(sent == parse_of("EXECUTE " + name, kept) + sync());
      t.server(parse_complete() + ready('I'));
      t.to_client();
      const StatementDigest runs = t.client_view.statements->named.find("q")->second->digest();
      if (lost_both) {
        change_server(t);
      } else {
        t.server_view.statements.remove(runs);
      }
      const std::string again = lost_both ? parse_of("EXECUTE " + name, kept) : "";
      t.client(bind_of("e") + message('D', "P\0"s) + execute_of() + sync());
      t.link();
      CHECK(t.to_server() == ours(name, " select 1") + again + bind_of(kept) +
                                 message('D', "P\0"s) + execute_of() + sync());
      t.server(parse_complete() + (lost_both ? parse_complete() : "") + bind_complete() +
               row_description() + complete("SELECT 1") + ready('I'));
      CHECK(t.to_client() ==
            bind_complete() + row_description() + complete("SELECT 1") + ready('I'));
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("a DEALLOCATE that is kept under a name ends what its name stands for, each time") {
  every_cut([](Talk& t) {
    t.follow_statements();
    const std::string name = name_of(t, " select 1");
    const std::string prepare = "PREPARE " + name + " AS  select 1";
    exchange(t, "prepare q as select 1", prepare, complete("PREPARE"));
    t.client(parse_of("deallocate q", "d") + bind_of("d") + execute_of() + sync());
    t.link();
    const std::string sent = t.to_server();
    CHECK_THAT(sent, Catch::Contains("DEALLOCATE " + name));
    const std::string kept = sent.substr(5, name.size() - 2);
    t.server(answered(complete("DEALLOCATE")));
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.server_view.statements.size() == 1);
    exchange(t, "prepare q as select 1", prepare, complete("PREPARE"));
    t.client(bind_of("d") + execute_of() + sync());
    t.link();
    CHECK(t.to_server() == bind_of(kept) + execute_of() + sync());
    t.server(bind_complete() + error("canceled") + ready('I'));
    CHECK(t.client_view.statements->named.size() == 2);
    CHECK(t.server_view.statements.size() == 2);
    CHECK(t.reusable());
  });
}

TEST_CASE("what was prepared with parameter types is bound on another server") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("prepare q (int) as select $1"));
    t.link();
    const std::string sent = t.to_server();
    const std::string prepare = sent.substr(5, sent.size() - 6);
    const std::string name = prepare.substr(8, prepare.find(' ', 9) - 8);
    t.server(complete("PREPARE") + ready('I'));
    t.to_client();
    change_server(t);
    const std::string made = "remuda_gone_0";
    const std::string typed = parse_of(prepare, made) + bind_of(made, made) + execute_of(made) +
                              message('C', "P" + zero_ended(made)) +
                              message('C', "S" + zero_ended(made));
    const std::string quiet = parse_complete() + bind_complete() + complete("PREPARE") +
                              close_complete() + close_complete();
    t.client(bind_of("q") + execute_of() + sync());
    t.link();
    CHECK(t.to_server() == typed + bind_of(unquoted(name)) + execute_of() + sync());
    t.server(quiet + bind_complete() + complete("SELECT 1") + ready('I'));
    CHECK(t.to_client() == bind_complete() + complete("SELECT 1") + ready('I'));
    CHECK(t.server_view.statements.size() == 1);
    CHECK(t.server_view.changes.empty());
    CHECK(t.reusable());
    run_extended(t, "execute q(1)", extended("EXECUTE " + name + "(1)"), complete("SELECT 1"));
  });
}

TEST_CASE("a statement with parameter types that cannot be made again is not there") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("prepare q (gone) as select $1"));
    t.link();
    t.server(complete("PREPARE") + ready('I'));
    change_server(t);
    t.client(bind_of("q") + execute_of() + sync());
    t.link();
    t.to_client();
    t.server(parse_complete() + bind_complete() + error("no such type") + ready('I'));
    CHECK(t.to_client() == error("no such type") + ready('I'));
    CHECK(t.server_view.statements.size() == 0);
    CHECK(t.client_view.statements->named.size() == 1);
    CHECK(t.reusable());
  });
}

TEST_CASE("an EXECUTE waits for a PREPARE of an earlier batch that is not answered") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  const std::string name = name_of(t, " select 1");
  const std::string prepare = "PREPARE " + name + " AS  select 1";
  t.client(parse_of("prepare q as select 1") + bind_of() + execute_of() + sync() +
           parse_of("execute q") + bind_of() + execute_of() + sync());
  t.link();
  CHECK(t.to_server() == extended(prepare));
  t.server(answered(complete("PREPARE")));
  if (!t.linked()) t.link();
  CHECK(t.to_server() == extended("EXECUTE " + name));
  t.server(answered(complete("SELECT 1")));
  CHECK(t.to_client() == answered(complete("PREPARE")) + answered(complete("SELECT 1")));
  CHECK(t.reusable());
}

TEST_CASE("what an EXECUTE runs is not evicted for it") {
  every_cut([](Talk& t) {
    t.follow_statements(1);
    const std::string name = name_of(t, " select 1");
    exchange(t, "prepare q as select 1", "PREPARE " + name + " AS  select 1", complete("PREPARE"));
    t.client(parse_of("execute q", "e") + bind_of("e") + execute_of() + sync());
    t.link();
    CHECK_THAT(t.to_server(), !Catch::Contains("CS"s));
    t.server(answered(complete("SELECT 1")));
    CHECK(t.server_view.statements.size() == 2);
    CHECK(t.reusable());
  });
}

}  // namespace remuda::session::test::sql_statements_test
