// Simple and extended queries, errors among them, and when the server is free again.
#include "unit/session/harness.h"

namespace remuda::session::test::conversation_test {
namespace {

TEST_CASE("a simple query takes a server and gives it back at ReadyForQuery") {
  every_cut([](Talk& t) {
    t.client(query("select 1"));
    CHECK(t.needs() == "server");
    CHECK(t.to_server().empty());
    CHECK(t.client_view.in_query);
    t.link();
    CHECK(t.to_server() == query("select 1"));
    const std::string reply = row_description() + data_row("1") + complete("SELECT 1");
    t.server(reply);
    CHECK(t.to_client() == reply);
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.to_client() == ready('I'));
    CHECK(t.needs() == "release");
    CHECK(!t.client_view.in_query);
    CHECK(!t.client_view.in_transaction);
    CHECK(t.reusable());
  });
}

TEST_CASE("several statements in one query end with one ReadyForQuery") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("select 1; update t set a=1; ; select 2"));
    const std::string reply = row_description() + data_row("1") + complete("SELECT 1") +
                              complete("UPDATE 0") + message('I') + row_description() +
                              complete("SELECT 0");
    t.server(reply);
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.to_client() == reply + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a transaction keeps its server until it ends") {
  every_cut([](Talk& t) {
    t.client(query("begin"));
    t.link();
    t.server(complete("BEGIN") + ready('T'));
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    CHECK(!t.client_view.in_query);
    CHECK(t.client_view.in_transaction);
    CHECK(!t.reusable());
    t.client(query("oops"));
    t.server(error("syntax") + ready('E'));
    CHECK(t.needs().empty());
    CHECK(!t.reusable());
    t.client(query("rollback"));
    t.server(complete("ROLLBACK") + ready('I'));
    CHECK(t.needs() == "release");
    CHECK(!t.client_view.in_transaction);
  });
}

TEST_CASE("session mode never releases") {
  const auto play = [](Talk& t) {
    t.client(query("select 1"));
    t.link();
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    CHECK(t.reusable());
    t.client(parse("select 2") + bind() + execute() + sync());
    t.server(parse_complete() + bind_complete() + complete("SELECT 1") + ready('I'));
    CHECK(t.needs().empty());
  };
  every_cut(play, Release::session);
}

TEST_CASE("statement mode refuses a transaction block before the client sees it open") {
  const auto play = [](Talk& t) {
    t.client(query("begin"));
    t.link();
    t.server(complete("BEGIN") + ready('T'));
    CHECK(t.needs() == "server fail: transaction blocks not allowed in statement pooling mode");
    CHECK(t.to_client() == complete("BEGIN"));
  };
  every_cut(play, Release::statement);
}

TEST_CASE("statement mode releases after each statement") {
  const auto play = [](Talk& t) {
    for (int i = 0; i < 2; ++i) {
      t.client(query("select 1"));
      t.link();
      t.server(complete("SELECT 1") + ready('I'));
      CHECK(t.needs() == "server release");
    }
  };
  every_cut(play, Release::statement);
}

TEST_CASE("an extended query passes in order") {
  every_cut([](Talk& t) {
    const std::string batch = parse("select $1") + bind() + describe() + execute() + sync();
    t.client(batch);
    t.link();
    CHECK(t.to_server() == batch);
    const std::string reply = parse_complete() + bind_complete() + row_description() +
                              data_row("1") + complete("SELECT 1") + ready('I');
    t.server(reply);
    CHECK(t.to_client() == reply);
    CHECK(t.needs() == "server release");
    CHECK(t.reusable());
  });
}

TEST_CASE("every kind of extended reply is matched with its request") {
  every_cut([](Talk& t) {
    t.link();
    t.client(parse("a") + describe() + bind() + describe() + execute() + execute() + execute() +
             close() + sync());
    const std::string reply = parse_complete() + message('t', "types") + no_data() +
                              bind_complete() + row_description() + data_row("1") + suspended() +
                              complete("SELECT 1") + message('I') + close_complete();
    t.server(reply);
    CHECK(t.needs().empty());
    CHECK(t.server_view.pipeline.size() == 1);
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.to_client() == reply + ready('I'));
  });
}

TEST_CASE("flush without sync keeps the server, and what was flushed reaches the client") {
  every_cut([](Talk& t) {
    t.client(parse("select 1") + bind() + execute() + flush());
    t.link();
    const std::string reply = parse_complete() + bind_complete() + complete("SELECT 1");
    t.server(reply);
    CHECK(t.to_client() == reply);
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    CHECK(!t.reusable());  // its implicit transaction is open
    t.client(sync());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("several batches in flight are released after the last") {
  every_cut([](Talk& t) {
    const std::string batch = parse("a") + bind() + execute() + sync();
    t.client(batch + query("b") + batch + sync());
    t.link();
    const std::string reply =
        parse_complete() + bind_complete() + complete("SELECT 1") + ready('I');
    t.server(reply + complete("SELECT 1") + ready('I') + reply);
    CHECK(t.needs() == "server");
    CHECK(t.client_view.in_query);
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("an error skips to the sync that is already on its way") {
  every_cut([](Talk& t) {
    t.link();
    t.client(parse("a") + bind() + execute() + describe() + execute() + sync() + parse("b") +
             sync());
    t.server(parse_complete() + error("bind") + ready('I'));
    CHECK(t.needs().empty());
    CHECK(t.server_view.pipeline.size() == 2);
    t.server(parse_complete() + ready('I'));
    CHECK(t.needs() == "release");
    CHECK(!t.server_view.suspect);
  });
}

TEST_CASE("an error waits for a sync that comes late") {
  every_cut([](Talk& t) {
    t.link();
    t.client(parse("a") + bind() + execute() + flush());
    t.server(error("parse"));
    CHECK(t.needs().empty());
    CHECK(!t.reusable());
    t.client(bind() + execute() + close() + query("ignored too") + message('F', "function"));
    t.to_server();
    t.client(sync());
    CHECK(t.to_server() == sync());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(!t.server_view.suspect);
  });
}

TEST_CASE("an error of a simple query skips nothing") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("bad") + parse("a") + sync());
    t.server(error("bad") + ready('I'));
    CHECK(t.needs().empty());
    t.server(parse_complete() + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("an error at sync, as of a deferred constraint, is followed by its own ReadyForQuery") {
  every_cut([](Talk& t) {
    t.link();
    t.client(bind() + execute() + sync() + sync());
    t.server(bind_complete() + complete("INSERT 0 1") + error("deferred") + ready('I'));
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a query behind a batch without sync ends the batch") {
  every_cut([](Talk& t) {
    t.link();
    t.client(parse("a") + bind() + execute() + query("b"));
    t.server(parse_complete() + bind_complete() + complete("INSERT 0 1") + complete("SELECT 1"));
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("a batch begun behind a ReadyForQuery in flight keeps the server") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("a") + parse("b") + flush());
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.needs().empty());
    t.server(parse_complete());
    CHECK(t.needs().empty());
    CHECK(!t.reusable());
    t.client(sync());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a function call is a request of its own") {
  every_cut([](Talk& t) {
    t.client('F', "oid and arguments");
    t.link();
    t.server(message('V', "result") + ready('I'));
    CHECK(t.needs() == "server release");
    t.link();
    t.client('F', "oid and arguments");
    t.client(sync());
    t.server(error("no such function") + ready('I'));
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("notices, notifications and copy out pass without a change of state") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("copy t to stdout"));
    const std::string reply = notice("hm") + copy_out() + message('d', "row") + message('d', "") +
                              message('A', "channel") + message('c') + complete("COPY 2");
    t.server(reply);
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.to_client() == reply + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a client's goodbye is not sent on") {
  every_cut([](Talk& t) {
    t.client(query("select 1"));
    t.link();
    CHECK(t.to_server() == query("select 1"));
    t.client(terminate());
    CHECK(t.to_server().empty());
    CHECK(t.needs() == "server terminate");
    CHECK(!t.reusable());
  });
}

TEST_CASE("a goodbye between transactions leaves the server as it is") {
  every_cut([](Talk& t) {
    t.client(query("select 1"));
    t.link();
    t.server(complete("SELECT 1") + ready('I'));
    t.client(terminate());
    CHECK(t.needs() == "server release terminate");
    CHECK(t.reusable());
  });
}

TEST_CASE("simple queries can be forbidden") {
  every_cut([](Talk& t) {
    t.client_view.simple_query_allowed = false;
    t.client(parse("a") + sync());
    t.link();
    t.server(parse_complete() + ready('I'));
    t.client(query("b"));
    CHECK(t.needs() == "server release fail: PQexec disallowed");
  });
}

TEST_CASE("an error that nobody asked for passes to a linked client") {
  every_cut([](Talk& t) {
    t.client(query("begin"));
    t.link();
    t.server(complete("BEGIN") + ready('T'));
    t.to_client();
    t.server(error("terminating connection due to administrator command"));
    CHECK(t.to_client() == error("terminating connection due to administrator command"));
    CHECK(t.needs() == "server");
  });
}

}  // namespace
}  // namespace remuda::session::test::conversation_test
