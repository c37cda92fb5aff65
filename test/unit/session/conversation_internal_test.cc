// Queries of our own: parameter replay in front of a client's query, reset and check of a server
// that nobody has; and what a server may say when nobody asked.
#include "unit/session/harness.h"

namespace remuda::session::test::conversation_internal_test {
namespace {

void give_other_parameters(Talk& t) {
  t.client_view.parameters = t.client_view.parameters.with("TimeZone", "Europe/Rome");
  t.client_view.parameters = t.client_view.parameters.with("DateStyle", "ISO");
  t.client_view.parameters = t.client_view.parameters.with("my.name", "x");
}

TEST_CASE("a replay goes in front of the client's query and its replies are swallowed") {
  every_cut([](Talk& t) {
    give_other_parameters(t);
    t.client(query("select 1"));
    CHECK(t.needs() == "server");
    t.internal_query();
    t.link();
    CHECK(t.to_server() == query("select 1"));
    CHECK(!t.reusable());
    t.server(complete("SET") + parameter("DateStyle", "ISO, MDY") + complete("SET") +
             parameter("TimeZone", "Europe/Rome") + complete("SET") + notice("hm") +
             row_description() + data_row("x") + ready('I'));
    CHECK(t.to_client().empty());
    CHECK(t.needs().empty());
    CHECK(t.client_view.in_query);
    // What the server reports counts as reported, the rest as the client asked.
    CHECK(t.client_view.parameters == t.server_view.parameters);
    CHECK(*t.server_view.parameters->find("DateStyle") == "ISO, MDY");
    CHECK(*t.server_view.parameters->find("TimeZone") == "Europe/Rome");
    CHECK(*t.server_view.parameters->find("my.name") == "x");
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.to_client() == complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a replay that fails fails the client with the text it expects") {
  every_cut([](Talk& t) {
    give_other_parameters(t);
    t.client(query("select 1"));
    t.internal_query();
    t.link();
    t.server(complete("SET") + error("invalid value"));
    CHECK(t.needs() == "server");
    t.server(ready('I'));
    CHECK(t.to_client().empty());
    CHECK(t.needs() == "fail: invalid server parameter");
  });
}

TEST_CASE("an internal query of an unlinked server ends with release") {
  every_cut([](Talk& t) {
    t.internal_query();
    CHECK(!t.server_view.is_quiet());
    t.server(parameter("TimeZone", "GMT") + notice("hm") + complete("DISCARD ALL"));
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(*t.server_view.parameters->find("TimeZone") == "GMT");
    CHECK(*t.client_view.parameters->find("TimeZone") == "UTC");
    // And once more: it had not failed before.
    t.internal_query();
    t.server(message('I') + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("an internal query that fails says so") {
  every_cut([](Talk& t) {
    t.internal_query();
    t.server(error("DISCARD ALL cannot run inside a transaction block") + ready('I'));
    CHECK(t.needs() == "fail: internal query failed");
  });
}

TEST_CASE("an internal query that leaves a transaction open fails") {
  for (const char status : {'T', 'E'}) {
    every_cut([status](Talk& t) {
      t.internal_query();
      t.server(complete("BEGIN") + ready(status));
      CHECK(t.needs() == "fail: internal query failed");
    });
    every_cut([status](Talk& t) {
      t.client(query("a"));
      t.internal_query();
      t.link();
      t.server(complete("BEGIN") + ready(status));
      CHECK(t.needs() == "server fail: invalid server parameter");
    });
  }
}

TEST_CASE("an internal query that starts a copy fails instead of waiting for ever") {
  for (const char type : {'G', 'W'}) {
    every_cut([type](Talk& t) {
      t.internal_query();
      t.server(type, std::string(3, '\0'));
      CHECK(t.needs() == "fail: internal query failed");
    });
  }
}

TEST_CASE("an unlinked server may say nothing") {
  for (const std::string& bytes :
       {error("terminating connection"), notice("hm"), parameter("TimeZone", "GMT"), ready('I'),
        data_row("1"), message('A', "channel")}) {
    every_cut([&bytes](Talk& t) {
      t.server(bytes);
      CHECK(t.needs() == "fail: server sent a reply that was not asked for");
      CHECK(t.to_client().empty());
    });
  }
}

TEST_CASE("bytes behind the ReadyForQuery that frees a server belong to nobody") {
  every_cut([](Talk& t) {
    t.client(query("select 1"));
    t.link();
    t.server(complete("SELECT 1") + ready('I') + data_row("whose?"));
    CHECK(t.to_client() == complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "server release fail: server sent a reply that was not asked for");
  });
}

TEST_CASE("a server with a message half received is not quiet") {
  Talk t;
  t.server("N");
  CHECK(!t.server_view.is_quiet());
  CHECK(t.needs().empty());
}

TEST_CASE("after a replay a transaction mode client keeps its server to the end of its own query") {
  every_cut([](Talk& t) {
    t.client(query("begin"));
    t.internal_query();
    t.link();
    t.server(complete("SET") + ready('I') + complete("BEGIN") + ready('T'));
    CHECK(t.needs() == "server");
    CHECK(t.to_client() == complete("BEGIN") + ready('T'));
    CHECK(t.client_view.in_transaction);
  });
}

}  // namespace
}  // namespace remuda::session::test::conversation_internal_test
