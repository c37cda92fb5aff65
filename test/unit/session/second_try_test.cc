// A batch that fails because a server's copy of its statement is out of date, or gone, is sent once
// more; the client is not told.
#include "unit/session/harness.h"

namespace remuda::session::test::second_try_test {
using namespace std::string_literals;

namespace {

std::string body_of(std::string_view sql) {
  return zero_ended(sql) + "\0\0"s;
}
std::string prepare(std::string_view name, std::string_view sql) {
  return message('P', zero_ended(name) + body_of(sql));
}
std::string bind_to(std::string_view name) {
  return message('B', zero_ended("") + zero_ended(name) + std::string(6, '\0'));
}
std::string about(char type, std::string_view name) {
  return message(type, "S" + zero_ended(name));
}
std::string describe_portal() {
  return message('D', "P" + zero_ended(""));
}
std::string coded_error(std::string_view code, std::string_view routine) {
  return message('E', "C" + zero_ended(code) + "R" + zero_ended(routine) + '\0');
}
const std::string kOutdated = coded_error("0A000", "RevalidateCachedQuery");
const std::string kLost = coded_error("26000", "FetchPreparedStatement");

std::string renamed(Talk& t, std::string_view sql) {
  const StatementRef statement =
      t.statements.intern(body_of(sql), t.client_view.parameters->context(), {});
  return std::string(view_of(server_name(statement->digest())));
}

void have(Talk& t, std::string_view name, std::string_view sql) {
  t.client(prepare(name, sql) + sync());
  if (!t.linked()) t.link();
  t.to_server();
  t.server(parse_complete() + ready('I'));
  REQUIRE(t.to_client() == parse_complete() + ready('I'));
}

// What a driver sends to run a prepared statement.
std::string run(std::string_view name) {
  return bind_to(name) + describe_portal() + execute() + sync();
}
const std::string kRan = bind_complete() + no_data() + complete("SELECT 1") + ready('I');

// The client has `name` = `sql` prepared on the server, and has just run it there.
std::string begin(Talk& t, std::string_view batch, std::string_view sql = "select *") {
  t.follow_statements();
  have(t, "a", sql);
  t.client(batch);
  t.link();
  t.to_server();
  t.needs();
  return renamed(t, sql);
}

// The error has come and is kept back; its ReadyForQuery has the batch sent again.
void fail_once(Talk& t, std::string_view before, std::string_view sql, std::string_view batch) {
  t.server(kOutdated);
  CHECK(t.to_server().empty());
  t.server(ready('I'));
  const std::string after = renamed(t, sql);
  CHECK(after != before);
  std::string again(batch);
  for (size_t at; (at = again.find(before)) != std::string::npos;) {
    again.replace(at, before.size(), after);
  }
  CHECK(t.to_server() == about('C', before) + prepare(after, sql) + again);
  CHECK(t.to_client().empty());
  CHECK(t.needs() == "resend");
}

// The client reads its server's error, which is what it reads without all this.
void is_told(const std::string& batch, const std::string& replies, const std::string& error) {
  every_cut([&](Talk& t) {
    begin(t, batch);
    t.server(replies + error + ready('I'));
    CHECK(t.to_client() == replies + error + ready('I'));
    CHECK(t.to_server().empty());
  });
}

}  // namespace

TEST_CASE("an outdated plan is made again unseen where the client asks for a description") {
  every_cut([](Talk& t) {
    const std::string name = begin(t, run("a"));
    fail_once(t, name, "select *", run(name));
    t.server(close_complete() + parse_complete() + kRan);
    CHECK(t.to_client() == kRan);
    CHECK(t.reusable());
    CHECK(t.server_view.statements.order().size() == 1);

    // The new name is the one that is used from now on.
    t.client(run("a"));
    t.link();
    CHECK(t.to_server() == run(renamed(t, "select *")));
  });
}

TEST_CASE("so is one that is described only, or run more than once in a batch") {
  every_cut([](Talk& t) {
    const std::string name = begin(t, prepare("b", "select *") + about('D', "b") + sync());
    t.server(kOutdated + ready('I'));
    CHECK(t.to_client() == parse_complete());
    const std::string now = renamed(t, "select *");
    CHECK(t.to_server() == about('C', name) + prepare(now, "select *") + about('D', now) + sync());
    t.server(close_complete() + parse_complete() + message('t', "") + no_data() + ready('I'));
    CHECK(t.to_client() == message('t', "") + no_data() + ready('I'));
  });
  every_cut([](Talk& t) {
    const std::string once = bind_to("a") + describe_portal() + execute();
    const std::string name = begin(t, once + once + about('C', "a") + sync());
    // What the client has closed behind it is not lost.
    const std::string sent = bind_to(name) + describe_portal() + execute();
    fail_once(t, name, "select *", sent + sent + sync());
    const std::string ran = bind_complete() + no_data() + complete("SELECT 1");
    t.server(close_complete() + parse_complete() + ran + ran + ready('I'));
    CHECK(t.to_client() == ran + ran + close_complete() + ready('I'));
  });
  every_cut([](Talk& t) {
    const std::string once = bind_to("a") + describe_portal() + execute();
    const std::string name = begin(t, once + once + sync());
    const std::string sent = bind_to(name) + describe_portal() + execute();
    fail_once(t, name, "select *", sent + sent + sync());
    const std::string ran = bind_complete() + no_data() + complete("SELECT 1");
    t.server(close_complete() + parse_complete() + ran + ran + ready('I'));
    CHECK(t.to_client() == ran + ran + ready('I'));
  });
}

TEST_CASE("a statement that the server lost is made again, and the server not lent again") {
  every_cut([](Talk& t) {
    const std::string name = begin(t, run("a"));
    t.server(kLost + ready('I'));
    CHECK(t.to_server() == about('C', name) + prepare(renamed(t, "select *"), "select *") +
                               run(renamed(t, "select *")));
    t.server(close_complete() + parse_complete() + kRan);
    CHECK(t.to_client() == kRan);
    CHECK(t.server_view.suspect);
  });
}

TEST_CASE("what the second try meets is told") {
  const std::string gone = coded_error("42P01", "parserOpenTable");
  every_cut([&](Talk& t) {
    const std::string name = begin(t, run("a"));
    fail_once(t, name, "select *", run(name));
    t.server(close_complete() + gone + ready('I'));
    CHECK(t.to_client() == gone + ready('I'));
    CHECK(t.server_view.statements.order().empty());
    CHECK(t.reusable());
  });
  // There is no third one.
  every_cut([](Talk& t) {
    const std::string name = begin(t, run("a"));
    fail_once(t, name, "select *", run(name));
    t.server(close_complete() + parse_complete() + kOutdated + ready('I'));
    CHECK(t.to_client() == kOutdated + ready('I'));
    CHECK(t.to_server().empty());
    CHECK(t.reusable());
  });
}

TEST_CASE("the client waits while a batch is tried again") {
  every_cut([](Talk& t) {
    const std::string name = begin(t, run("a"));
    t.server(kOutdated);
    t.client(query("select 2"));
    t.server(ready('I'));
    const std::string now = renamed(t, "select *");
    CHECK(t.to_server() == about('C', name) + prepare(now, "select *") + run(now));
    t.server(close_complete());
    CHECK(t.to_server().empty());
    t.server(parse_complete());
    CHECK(t.to_server() == query("select 2"));
    t.server(kRan + complete("SELECT 1") + ready('I'));
    CHECK(t.to_client() == kRan + complete("SELECT 1") + ready('I'));
  });
}

TEST_CASE("nothing is tried again that may have taken effect, or would surprise the client") {
  const std::string once = bind_to("a") + describe_portal() + execute();
  // It asked for no description.
  is_told(bind_to("a") + execute() + sync(), "", kOutdated);
  // Something in front of it has run.
  is_told(once + once + sync(), bind_complete() + no_data() + complete("INSERT 0 1"), kOutdated);
  // Another error, though of the same code.
  is_told(run("a"), "", coded_error("0A000", "other"));
  is_told(run("a"), "", coded_error("42P01", "RevalidateCachedQuery"));
  // Not at Bind.
  is_told(run("a"), bind_complete(), kOutdated);
}

TEST_CASE("nothing is tried again inside a transaction, with other batches behind, or half sent") {
  every_cut([](Talk& t) {
    begin(t, query("begin"));
    t.server(complete("BEGIN") + ready('T'));
    t.client(run("a"));
    t.to_server();
    t.to_client();
    t.server(kOutdated + ready('E'));
    CHECK(t.to_client() == kOutdated + ready('E'));
    CHECK(t.to_server().empty());
  });
  every_cut([](Talk& t) {
    begin(t, run("a") + run("a"));
    t.server(kOutdated + ready('I'));
    CHECK(t.to_client() == kOutdated + ready('I'));
    CHECK(t.to_server().empty());
  });
  every_cut([](Talk& t) {
    begin(t, bind_to("a") + describe_portal() + message('H'));
    t.server(kOutdated);
    CHECK(t.to_client() == kOutdated);
    t.client(sync());
    CHECK(t.to_server() == sync());
    t.server(ready('I'));
    CHECK(t.to_client() == ready('I'));
  });
  // Something has run in this batch, and was answered before the rest came.
  every_cut([](Talk& t) {
    const std::string flush = message('H');
    begin(t, message('P', zero_ended("") + body_of("insert")) + bind_to("") + execute() + flush);
    t.server(parse_complete() + bind_complete() + complete("INSERT 0 1"));
    t.client(run("a"));
    t.to_server();
    t.to_client();
    t.server(kOutdated + ready('I'));
    CHECK(t.to_client() == kOutdated + ready('I'));
    CHECK(t.to_server().empty());
  });
}

TEST_CASE("a batch too long to be kept is told its error") {
  whole_and_bytewise([](Talk& t) {
    const std::string values(SecondTry::kMostKept, 'v');
    const std::string bind = message('B', zero_ended("") + zero_ended("a") + values);
    begin(t, bind + describe_portal() + execute() + sync());
    t.server(kOutdated + ready('I'));
    CHECK(t.to_client() == kOutdated + ready('I'));
  });
}

TEST_CASE("a value that looks like the statement's name stays as it is") {
  every_cut([](Talk& t) {
    t.follow_statements();
    have(t, "a", "select $1");
    const std::string name = renamed(t, "select $1");
    std::string size(4, '\0');
    size[3] = static_cast<char>(name.size());
    const std::string value = "\0\0\0\1"s + size + name + "\0\0"s;
    const auto bind = [&](std::string_view to) {
      return message('B', zero_ended("") + zero_ended(to) + value);
    };
    t.client(bind("a") + describe_portal() + execute() + sync());
    t.link();
    CHECK(t.to_server() == bind(name) + describe_portal() + execute() + sync());
    t.server(kOutdated + ready('I'));
    const std::string now = renamed(t, "select $1");
    CHECK(t.to_server() == about('C', name) + prepare(now, "select $1") + bind(now) +
                               describe_portal() + execute() + sync());
  });
}

TEST_CASE("a client that leaves before its batch is tried again leaves a server in order") {
  every_cut([](Talk& t) {
    begin(t, run("a"));
    t.server(kOutdated);
    bool needs_sync = false;
    REQUIRE(abandon(t.server_view, needs_sync));
    CHECK_FALSE(needs_sync);
    t.unlink();
    t.server(ready('I'));
    CHECK(t.to_server().empty());
    CHECK(t.server_view.is_quiet());
  });
  every_cut([](Talk& t) {
    begin(t, run("a"));
    t.server(kOutdated + ready('I'));
    bool needs_sync = false;
    REQUIRE(abandon(t.server_view, needs_sync));
    CHECK_FALSE(needs_sync);
    t.unlink();
    t.server(close_complete() + parse_complete() + kRan);
    CHECK(t.server_view.is_quiet());
  });
}

TEST_CASE("a server that answers a second try otherwise is not believed") {
  const std::vector<std::string> wrong = {bind_complete(), complete("SELECT 1"), kOutdated,
                                          ready('T'),      ready('E'),           no_data()};
  for (const std::string& reply : wrong) {
    every_cut([&](Talk& t) {
      begin(t, run("a"));
      t.server(kOutdated + reply);
      CHECK(t.needs() == "fail: server sent a reply that was not asked for");
    });
  }
  for (const std::string& reply : {parse_complete(), bind_complete(), ready('I')}) {
    every_cut([&](Talk& t) {
      begin(t, run("a"));
      t.server(kOutdated + ready('I') + reply);
      CHECK(t.needs() == "resend fail: server sent a reply that was not asked for");
    });
  }
}

}  // namespace remuda::session::test::second_try_test
