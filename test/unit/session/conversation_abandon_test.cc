// A client leaves while its server still owes answers: they are read and thrown away until the
// server is known to be free, or it cannot be known.
#include "unit/session/harness.h"

namespace remuda::session::test::conversation_abandon_test {
namespace {

// The client is gone; false when its server is of no more use.
bool leave(Talk& t, bool wants_sync = false) {
  bool needs_sync = false;
  const bool can_be_drained = abandon(t.server_view, needs_sync);
  CHECK(needs_sync == wants_sync);
  t.unlink();
  t.to_client();
  t.needs();
  return can_be_drained;
}

Talk& asked(Talk& t, const std::string& bytes) {
  t.client(bytes);
  t.link();
  return t;
}

TEST_CASE("answers nobody reads any more are thrown away up to ReadyForQuery") {
  every_cut([](Talk& t) {
    CHECK(leave(asked(t, query("select 1"))));
    t.server(row_description() + data_row("x") + notice("hm") + error("canceled"));
    CHECK(!t.server_view.is_answered());
    t.server(ready('I'));
    CHECK(t.to_client().empty());
    CHECK(t.needs() == "release");
    CHECK(t.server_view.is_quiet());
    CHECK(!t.server_view.abandoned);
  });
}

TEST_CASE("an open transaction is left to the caller") {
  every_cut([](Talk& t) {
    CHECK(leave(asked(t, query("begin; select 1"))));
    t.server(complete("BEGIN") + error("canceled") + ready('E'));
    CHECK(t.needs().empty());
    CHECK(t.server_view.is_answered());
    CHECK(!t.server_view.is_quiet());
    t.internal_query();
    t.server(complete("ROLLBACK") + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a batch without Sync needs one") {
  every_cut([](Talk& t) {
    asked(t, message('P', std::string("\0select 1\0\0\0", 13)) + message('H'));
    CHECK(leave(t, true));
    t.server(message('1'));
    CHECK(!t.server_view.is_answered());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a batch that failed before its Sync needs one, however much was answered") {
  every_cut([](Talk& t) {
    asked(t, message('P', std::string("\0select 1\0\0\0", 13)) + message('H'));
    t.server(error("no"));
    CHECK(leave(t, true));
    t.server(ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("every request of a pipeline is waited for") {
  every_cut([](Talk& t) {
    CHECK(leave(asked(t, query("one") + query("two"))));
    t.server(error("canceled") + ready('I'));
    CHECK(t.needs().empty());
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a server that begins a COPY for nobody, or is in one, is of no use") {
  every_cut([](Talk& t) {
    CHECK(leave(asked(t, query("copy t from stdin"))));
    t.server(message('G', std::string("\0\0\0", 3)));
    CHECK(t.needs() == "fail: client disconnect before its COPY");
  });
  every_cut([](Talk& t) {
    asked(t, query("copy t from stdin"));
    t.server(message('G', std::string("\0\0\0", 3)));
    CHECK(!leave(t));
  });
}

TEST_CASE("an unanswered replay of parameters makes the server unusable") {
  every_cut([](Talk& t) {
    t.client(query("select 1"));
    t.internal_query();
    t.link();
    CHECK(!leave(t));
  });
}

TEST_CASE("once it has answered, an abandoned server may say nothing more") {
  every_cut([](Talk& t) {
    CHECK(leave(asked(t, query("begin"))));
    t.server(complete("BEGIN") + ready('T'));
    t.server(data_row("x"));
    CHECK(t.needs() == "fail: server sent a reply that was not asked for");
  });
}

}  // namespace
}  // namespace remuda::session::test::conversation_abandon_test
