// Settings that follow their client from server to server: exact bytes to both sides.
#include "unit/session/harness.h"

namespace remuda::session::test::settings_follow_test {
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string prepare(std::string_view name, std::string_view sql) {
  return message('P', zero_ended(name) + zero_ended(sql) + "\0\0"s);
}
std::string bind_to(std::string_view name, std::string_view rest = "\0\0\0\0\0\0"sv) {
  return message('B', zero_ended("portal") + zero_ended(name) + std::string(rest));
}
std::string value(std::string_view text) {
  std::string bytes(4, '\0');
  store_u32(bytes.data(), static_cast<uint32_t>(text.size()));
  return bytes + std::string(text);
}
const std::string kRun = execute() + sync();

// The client runs a query in a transaction of its own, answered with this tag.
void run(Talk& t, const std::string& sql, const std::string& tag) {
  t.client(query(sql));
  if (!t.linked()) t.link();
  t.server(complete(tag) + ready('I'));
}

// It is given another server, as a new one is; what goes there first.
std::string first_words(Talk& t) {
  t.server_view.settings = SettingsJournal(t.table.empty_set());
  t.server_view.statements.clear();
  t.to_server();
  t.client(query("select 1"));
  t.link();
  std::string sent = t.to_server();
  const std::string own = query("select 1");
  REQUIRE(sent.ends_with(own));
  sent.resize(sent.size() - own.size());
  if (!sent.empty()) t.server(complete("SET") + ready('I'));
  t.server(complete("SELECT 1") + ready('I'));
  return sent;
}

}  // namespace

TEST_CASE("C2.12 what a client SETs is there on its next server, in the same write") {
  every_cut([](Talk& t) {
    t.follow_settings();
    run(t, "SET search_path TO a, b", "SET");
    run(t, "/* two */ set Work_Mem = '8MB'; -- done", "SET");
    CHECK(first_words(t) == query("SET search_path TO a, b;SET work_mem TO '8MB';"));
    CHECK(first_words(t) == query("SET search_path TO a, b;SET work_mem TO '8MB';"));
    run(t, "RESET search_path", "RESET");
    run(t, "RESET ALL", "RESET");
    CHECK(first_words(t).empty());
  });
}

TEST_CASE("C2.13 the next client of a server has nothing of the last") {
  every_cut([](Talk& t) {
    t.follow_settings();
    run(t, "SET search_path TO secret", "SET");
    CHECK(!t.linked());
    t.next_client();
    t.follow_settings();
    t.to_server();
    t.client(query("select 1"));
    t.link();
    CHECK(t.to_server() == query("RESET search_path;") + query("select 1"));
    t.server(complete("RESET") + ready('I') + complete("SELECT 1") + ready('I'));
    CHECK(t.reusable());
    CHECK(!t.server_view.settings.needs_replay());
  });
}

TEST_CASE("a client whose settings do not follow it has nothing of the last either") {
  every_cut([](Talk& t) {
    t.follow_settings();
    run(t, "SET ROLE other", "SET");
    t.next_client();
    t.to_server();
    t.client(query("set role mine"));
    t.link();
    CHECK(t.to_server() == query("RESET role;") + query("set role mine"));
    t.server(complete("RESET") + ready('I') + complete("SET") + ready('I'));
    CHECK(!t.server_view.settings.is_lost());
  });
}

TEST_CASE("only what is committed follows") {
  every_cut([](Talk& t) {
    t.follow_settings();
    t.client(query("begin") + query("set a.b = 1") + query("rollback"));
    t.link();
    t.server(complete("BEGIN") + ready('T') + complete("SET") + ready('T') + complete("ROLLBACK") +
             ready('I'));
    CHECK(first_words(t).empty());
    t.client(query("begin; set a.b = 2; savepoint s; set a.b = 3"));
    t.link();
    t.server(complete("BEGIN") + complete("SET") + complete("SAVEPOINT") + complete("SET") +
             ready('T'));
    t.client(query("selec") + query("rollback to s") + query("commit"));
    t.server(error("syntax") + ready('E') + complete("ROLLBACK") + ready('T') + complete("COMMIT") +
             ready('I'));
    CHECK(first_words(t) == query("SET \"a\".\"b\" TO 2;"));
    t.client(query("begin; set local a.b = 4"));
    t.link();
    t.server(complete("BEGIN") + complete("SET") + ready('T'));
    t.client(query("end"));
    t.server(complete("COMMIT") + ready('I'));
    CHECK(first_words(t) == query("SET \"a\".\"b\" TO 2;"));
  });
}

TEST_CASE(
    "of several statements in one query those before the error count, if they are committed") {
  every_cut([](Talk& t) {
    t.follow_settings();
    t.client(query("set a.b = 1; select 1/0; set a.b = 2"));
    t.link();
    t.server(complete("SET") + error("division by zero") + ready('I'));
    CHECK(first_words(t).empty());
    t.client(query("set a.b = 1; commit; select 1/0"));
    t.link();
    t.server(complete("SET") + complete("COMMIT") + error("division by zero") + ready('I'));
    CHECK(first_words(t) == query("SET \"a\".\"b\" TO 1;"));
  });
}

TEST_CASE("a SET in the extended protocol follows, prepared under a name or without") {
  for (const std::string name : {"", "s"}) {
    every_cut([&](Talk& t) {
      t.follow_statements();
      t.follow_settings();
      t.client(prepare(name, "SET statement_timeout TO 77") + bind_to(name) + kRun);
      t.link();
      t.server(parse_complete() + bind_complete() + complete("SET") + ready('I'));
      CHECK(!t.linked());
      CHECK(t.server_view.portals.empty());
      CHECK(first_words(t) == query("SET statement_timeout TO 77;"));
    });
  }
}

TEST_CASE("set_config with parameters is followed by their values, text or null") {
  const std::string sql = "select set_config($1, $2, $3)";
  every_cut([&](Talk& t) {
    t.follow_statements();
    t.follow_settings();
    const auto call = [&](const std::string& name, const std::string& to, bool local) {
      const std::string values =
          "\0\0\0\3"s + value(name) + value(to) + value(local ? "t" : "f") + "\0\0"s;
      t.client(prepare("", sql) + bind_to("", values) + kRun);
      if (!t.linked()) t.link();
      t.server(parse_complete() + bind_complete() + data_row(to) + complete("SELECT 1") +
               ready('I'));
    };
    call("app.user", "it's", false);
    call("app.other", "gone", true);
    CHECK(first_words(t) == query("SELECT pg_catalog.set_config('app.user','it''s',false);"));
    t.client(
        prepare("", sql) +
        bind_to("", "\0\0\0\3"s + value("app.user") + "\xff\xff\xff\xff"s + value("f") + "\0\0"s) +
        kRun);
    t.link();
    t.server(parse_complete() + bind_complete() + data_row("") + complete("SELECT 1") + ready('I'));
    CHECK(first_words(t).empty());
  });
}

TEST_CASE("set_config that is run by EXECUTE is followed, or the server's settings are lost") {
  const auto after = [](const std::string& prepared, const std::string& executed) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_statements();
    t.follow_settings();
    run(t, prepared, "PREPARE");
    run(t, executed, "SELECT 1");
    return t.server_view.settings.is_lost() ? "lost" : first_words(t);
  };
  const auto set = [](const std::string& value) {
    return query("SELECT pg_catalog.set_config('a.b','" + value + "',false);");
  };
  CHECK(after("prepare q as select set_config('a.b', '1', false)", "execute q") == set("1"));
  CHECK(after("prepare q (int) as select set_config('a.b', '1', false)", "execute q(2)") ==
        set("1"));
  const std::string open = "prepare q as select set_config('a.b', $1, $2)";
  CHECK(after(open, "execute q ('it''s', false)") == set("it''s"));
  CHECK(after(open, "execute q (12, 'f'::bool);") == set("12"));
  CHECK(after(open, "execute q ('1', true)").empty());
  CHECK(after(open, "execute q (012, false)") == "lost");
  CHECK(after(open, "execute q ('1' || '2', false)") == "lost");
  CHECK(after("prepare q (text) as select set_config('a.b', $1, false)", "execute q ('1')") ==
        "lost");
}

TEST_CASE("set_config counts when its portal gives the row, not again when that is at its end") {
  const std::string one_row = message('E', zero_ended("portal") + "\0\0\0\1"s);
  every_cut([&](Talk& t) {
    t.follow_statements();
    t.follow_settings();
    t.client(prepare("", "select set_config('a.b', '1', false)") + bind_to("") + one_row +
             prepare("", "set a.b = 2") + message('B', "\0\0\0\0\0\0\0\0"s) +
             message('E', "\0\0\0\0\0"s) + kRun);
    t.link();
    t.server(parse_complete() + bind_complete() + data_row("1") + suspended());
    CHECK(t.server_view.settings.find("a.b") != nullptr);
    t.server(parse_complete() + bind_complete() + complete("SET") + complete("SELECT 0") +
             ready('I'));
    CHECK(first_words(t) == query("SET \"a\".\"b\" TO 2;"));
  });
}

TEST_CASE("an error behind DISCARD ALL in its pipeline brings nothing back") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.follow_settings();
  run(t, "set a.b = 1", "SET");
  t.client(prepare("", "discard all") + bind_to("") + execute() + bind_to("") + kRun);
  t.link();
  t.server(parse_complete() + bind_complete());
  t.server(complete("DISCARD ALL"));
  t.server(error("portal exists"));
  t.server(ready('I'));
  CHECK(t.server_view.settings.is_lost());
  CHECK(first_words(t).empty());
}

TEST_CASE("what was skipped after an error has set nothing") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.follow_settings();
    t.client(prepare("", "select 1/0") + bind_to("") + execute() + prepare("s", "set a.b = 1") +
             bind_to("s") + kRun);
    t.link();
    t.server(parse_complete() + bind_complete() + error("division by zero") + ready('I'));
    CHECK(first_words(t).empty());
    CHECK(t.client_view.statements->named.empty());
  });
}

TEST_CASE("a tag that nobody expected loses the server's settings") {
  const auto lost_after = [](const std::string& sent, const std::string& replies) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_settings();
    t.client(sent);
    t.link();
    t.server(replies + ready('I'));
    return t.server_view.settings.is_lost();
  };
  const std::string unseen = query(std::string(40'000, ' ') + "set a.b = 1");
  CHECK(!lost_after(query("set time zone interval '1' hour"), complete("SET")));
  CHECK(lost_after(query("call p()"), complete("SET")));
  CHECK(!lost_after(query("call p()"), complete("CALL")));
  CHECK(!lost_after(unseen, complete("SET")));  // it was there as a whole
  CHECK(lost_after(query("set a.b = 1"), complete("RESET")));
  CHECK(lost_after(query("set a.b = 1; select 1"), complete("SELECT 1")));
  CHECK(lost_after(query("set time zone interval '1' hour; set a.b to U&'x'"),
                   complete("SET") + complete("SET")));
}

TEST_CASE("a query too long to be looked at loses them where it has set something") {
  const std::string long_text = std::string(100'000, ' ');
  for (const bool sets : {true, false}) {
    Talk t(Cut{Cut::kEveryByte});
    t.follow_settings();
    t.client(query(long_text + (sets ? "set a.b = 1" : "select 1")));
    t.link();
    t.server(complete(sets ? "SET" : "SELECT 1") + ready('I'));
    CHECK(t.server_view.settings.is_lost() == sets);
  }
}

TEST_CASE("start-up values are there first, and RESET goes back to them") {
  every_cut([](Talk& t) {
    t.follow_settings({{"search_path", "SELECT pg_catalog.set_config('search_path','x',false);"}});
    const std::string startup = query("SELECT pg_catalog.set_config('search_path','x',false);");
    CHECK(first_words(t) == startup);
    run(t, "SET search_path TO y", "SET");
    CHECK(first_words(t) == query("SET search_path TO y;"));
    run(t, "DISCARD ALL", "DISCARD ALL");
    CHECK(first_words(t) == startup);
  });
}

TEST_CASE("a transaction that the client leaves open is rolled back with its settings") {
  Talk t;
  t.follow_settings();
  t.client(query("begin; set a.b = 1"));
  t.link();
  t.server(complete("BEGIN") + complete("SET") + ready('T'));
  t.unlink();
  t.internal_query();
  t.server(complete("ROLLBACK") + ready('I'));
  CHECK(t.server_view.settings.find("a.b") == nullptr);
  CHECK(!t.server_view.settings.is_lost());
}

TEST_CASE("statements under another search_path or role are other statements") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.follow_settings();
    const auto prepared = [&](const std::string& name) {
      t.to_server();
      t.client(prepare(name, "select x") + sync());
      if (!t.linked()) t.link();
      const bool is_sent = t.to_server() != sync();
      if (is_sent) t.server(parse_complete());
      t.server(ready('I'));
      return is_sent;
    };
    CHECK(prepared("a"));
    CHECK(!prepared("b"));
    run(t, "set search_path to other", "SET");
    CHECK(prepared("c"));
    run(t, "set app.tenant to 7", "SET");
    CHECK(!prepared("d"));
    run(t, "set role other", "SET");
    CHECK(prepared("e"));
    run(t, "reset all; reset role", "RESET");
  });
}

TEST_CASE("a statement in the same write as a replay is named by what that sets") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.follow_settings();
    t.client(prepare("a", "select x") + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    run(t, "set search_path to other", "SET");
    t.server_view.settings = SettingsJournal(t.table.empty_set());
    t.to_server();
    t.client(prepare("b", "select x") + sync());
    t.link();
    const std::string sent = t.to_server();
    CHECK(sent.starts_with(query("SET search_path TO other;")));
    CHECK(sent.size() > query("SET search_path TO other;").size() + sync().size());
    t.server(complete("SET") + ready('I') + parse_complete() + ready('I'));
    CHECK(t.server_view.statements.size() == 2);
    CHECK(!t.server_view.suspect);
  });
}

TEST_CASE("a statement prepared under settings that an error takes back is nobody else's") {
  const auto is_suspect = [](const std::string& setting) {
    Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
    t.follow_statements();
    t.follow_settings();
    t.server_view.parameters = t.server_view.reported = t.client_view.parameters =
        t.table.intern({{"DateStyle", "ISO"}});
    t.client(prepare("", "set " + setting + " to 'x'") + bind_to("") + execute() + flush());
    t.link();
    t.server(parse_complete() + bind_complete() + complete("SET"));
    t.client(execute() + prepare("s", "select 1") + sync() + prepare("t", "select 2") + sync());
    t.server(error("no such portal") + ready('I') + parse_complete() + ready('I'));
    return t.server_view.suspect;
  };
  CHECK(is_suspect("search_path"));
  CHECK(is_suspect("DateStyle"));
  CHECK(!is_suspect("app.tenant"));
}

}  // namespace remuda::session::test::settings_follow_test
