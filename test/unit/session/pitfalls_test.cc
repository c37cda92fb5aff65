// What broke in other poolers, as far as it can happen to a conversation. Each case names the
// trouble.
#include "unit/session/harness.h"

namespace remuda::session::test::pitfalls_test {
namespace {

TEST_CASE("C1.1 a client that leaves with a request half sent leaves no server to reuse") {
  const std::string whole[] = {query("select 1"), parse("a"), bind(), message('F', "function"),
                               copy_data("row")};
  for (const std::string& bytes : whole) {
    for (size_t sent = 5; sent < bytes.size(); ++sent) {
      Talk t;
      t.link();
      const bool is_copy = bytes[0] == 'd';
      if (is_copy) t.client(query("copy t from stdin"));
      if (is_copy) t.server(copy_in());
      t.client(bytes.substr(0, sent));
      if (is_copy) t.server(error("bad row") + ready('I'));
      CHECK(!t.reusable());
    }
  }
}

TEST_CASE("C1.1 a client that leaves with a header half sent has sent nothing") {
  for (size_t sent = 1; sent < 5; ++sent) {
    Talk t(Cut{}, Release::session);
    t.link();
    t.client(query("select 1").substr(0, sent));
    CHECK(t.to_server().empty());
    CHECK(t.reusable());
  }
}

TEST_CASE(
    "C1.1 a client that leaves with its batch answered but not synced leaves an open transaction") {
  every_cut([](Talk& t) {
    t.client(parse("insert") + bind() + execute() + flush());
    t.link();
    t.server(parse_complete() + bind_complete() + complete("INSERT 0 1"));
    CHECK(t.server_view.pipeline.empty());
    CHECK(!t.server_view.is_quiet());
    CHECK(!t.reusable());
  });
}

TEST_CASE("C1.1 a stray message inside an answered batch does not release its server") {
  every_cut([](Talk& t) {
    t.client(parse("insert") + bind() + execute() + flush());
    t.link();
    t.server(parse_complete() + bind_complete() + complete("INSERT 0 1"));
    t.client(copy_data("stray") + copy_fail());
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    t.client(sync());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE(
    "C1.2 Parse Describe Flush Bind Execute Flush then Sync: no ReadyForQuery but the server's") {
  every_cut([](Talk& t) {
    t.client(parse("a") + describe() + flush());
    t.link();
    t.server(parse_complete() + message('t', "types") + row_description());
    t.client(bind() + execute() + flush());
    t.server(bind_complete() + data_row("1") + complete("SELECT 1"));
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    t.client(sync());
    const std::string so_far = parse_complete() + message('t', "types") + row_description() +
                               bind_complete() + data_row("1") + complete("SELECT 1");
    CHECK(t.to_client() == so_far);
    t.server(ready('I'));
    CHECK(t.to_client() == ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("C1.2 the first ReadyForQuery of several frees nothing") {
  every_cut([](Talk& t) {
    t.client(query("a") + sync() + message('F', "f") + query("b"));
    t.link();
    t.server(complete("a") + ready('I') + ready('I') + message('V', "1") + ready('I'));
    CHECK(t.needs() == "server");
    t.server(complete("b") + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("C1.3 an error inside a pipeline drops what is skipped and keeps the order") {
  every_cut([](Talk& t) {
    const std::string batch = parse("a") + bind() + execute() + sync();
    t.client(batch + batch + batch);
    t.link();
    const std::string good = parse_complete() + bind_complete() + complete("SELECT 1") + ready('I');
    t.server(good + parse_complete() + error("bind") + ready('I'));
    CHECK(t.needs() == "server");
    CHECK(t.server_view.pipeline.size() == 4);
    t.server(good);
    CHECK(t.to_client() == good + parse_complete() + error("bind") + ready('I') + good);
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("C1.4 batched Parse and Close without Sync are answered in order") {
  every_cut([](Talk& t) {
    t.client(parse("a") + close() + parse("b") + close() + close() + flush());
    t.link();
    t.server(parse_complete() + close_complete() + parse_complete() + close_complete());
    CHECK(t.server_view.pipeline.size() == 1);
    t.server(close_complete());
    CHECK(t.needs() == "server");
    CHECK(!t.reusable());
    t.client(sync());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("C1.5 a query without Sync after an extended error brings no second ReadyForQuery") {
  SECTION("the error is known") {
    every_cut([](Talk& t) {
      t.client(parse("bad") + flush());
      t.link();
      t.server(error("bad"));
      CHECK(t.to_client() == error("bad"));
      t.client(query("ignored"));
      CHECK(t.server_view.pipeline.empty());
      t.client(sync());
      t.server(ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.reusable());
    });
  }
  SECTION("the query is already on its way") {
    every_cut([](Talk& t) {
      t.client(parse("bad") + query("ignored") + sync());
      t.link();
      t.server(error("bad"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("C1.6 no server free in the middle of a batch: nothing is answered, nothing is lost") {
  every_cut([](Talk& t) {
    const std::string batch = parse("a") + bind() + execute() + sync();
    t.client(batch);
    t.client(batch);
    CHECK(t.needs() == "server");
    CHECK(t.to_client().empty());
    CHECK(t.client_view.in_query);
    t.link();
    CHECK(t.to_server() == batch + batch);
  });
}

TEST_CASE("C1.8 the first byte of a read is not taken for a message type") {
  every_cut([](Talk& t) {
    // The bodies are made of headers.
    const std::string trap = ready('I') + query("x") + sync() + terminate();
    t.client(query(trap));
    t.link();
    t.server(data_row(trap) + message('E', trap));
    CHECK(t.to_server() == query(trap));
    CHECK(t.to_client() == data_row(trap) + message('E', trap));
    CHECK(t.needs() == "server");
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("C1.9 extra bytes of an idle server mean that it is not reused") {
  every_cut([](Talk& t) {
    t.client(query("a"));
    t.link();
    t.server(complete("a") + ready('I'));
    CHECK(t.needs() == "server release");
    t.server(error("terminating connection due to administrator command"));
    CHECK(t.needs() == "fail: server sent a reply that was not asked for");
  });
}

TEST_CASE("C1.11 a portal kept over Flush holds its server") {
  every_cut([](Talk& t) {
    t.client(parse("a") + bind() + execute() + flush());
    t.link();
    t.server(parse_complete() + bind_complete() + data_row("1") + suspended());
    CHECK(t.needs() == "server");
    CHECK(!t.reusable());
    t.client(execute() + flush());
    t.server(data_row("2") + suspended());
    CHECK(t.needs().empty());
    CHECK(!t.reusable());
    t.client(close() + sync());
    t.server(close_complete() + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("C2.20 a reset query that fails discards the server") {
  every_cut([](Talk& t) {
    t.internal_query();
    t.server(error("DISCARD ALL cannot run inside a transaction block") + ready('E'));
    CHECK(t.needs() == "fail: internal query failed");
  });
}

TEST_CASE("C3.24 CopyDone and CopyFail that arrive late reach no one else") {
  for (const std::string& late : {copy_done(), copy_fail(), copy_data("row")}) {
    every_cut([&late](Talk& t) {
      t.client(query("copy t from stdin"));
      t.link();
      t.server(copy_in() + error("bad row") + ready('I'));
      CHECK(t.needs() == "server release");
      t.to_server();
      t.client(late);
      CHECK(t.to_server().empty());
      CHECK(t.needs().empty());
      t.next_client();
      t.client(query("b"));
      t.link();
      t.server(complete("b") + ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.to_server() == query("b"));
    });
  }
}

TEST_CASE("C3.24 no release during a copy") {
  every_cut([](Talk& t) {
    t.client(query("copy t from stdin"));
    t.link();
    t.server(copy_in());
    t.client(copy_data("row"));
    CHECK(!t.reusable());
    CHECK(t.linked());
    t.client(copy_done());
    CHECK(!t.reusable());
    t.server(complete("COPY 1"));
    CHECK(!t.reusable());
    t.server(ready('I'));
    CHECK(t.needs() == "server release");
  });
}

TEST_CASE("C3.24 Flush and Sync inside a copy are ignored by the server") {
  every_cut([](Talk& t) {
    t.client(query("copy t from stdin"));
    t.link();
    t.server(copy_in());
    t.client(sync() + copy_data("row") + flush() + sync() + copy_done());
    t.server(complete("COPY 1") + ready('I'));
    CHECK(t.needs() == "server release");
    CHECK(t.reusable());
  });
}

TEST_CASE(
    "C3.25 a client that leaves inside a row larger than the buffer leaves no server to reuse") {
  Talk t;
  t.client(query("a"));
  t.link();
  t.server(header('D', 100 * 1000 * 1000) + "the first bytes");
  CHECK(!t.server_view.frame.at_boundary());
  CHECK(!t.reusable());
}

TEST_CASE("C3.26 a client that cannot send on does not stop its server") {
  whole_and_bytewise([](Talk& t) {
    std::string batch;
    for (size_t i = 0; i <= Pipeline::kMaxOwed; ++i) batch += parse("a");
    t.link();
    t.client(batch);
    CHECK(t.wants_room());
    t.server(parse_complete() + parse_complete());
    CHECK(t.to_client() == parse_complete() + parse_complete());
    CHECK(!t.wants_room());
    CHECK(t.to_server() == batch);
  });
}

}  // namespace
}  // namespace remuda::session::test::pitfalls_test
