// COPY FROM STDIN: who ignores what, and how many ReadyForQuery come of it.
// PostgreSQL manual, Frontend/Backend Protocol, Message Flow: COPY Operations.
#include "unit/session/harness.h"

namespace remuda::session::test::conversation_copy_test {
namespace {

const std::string kBatch = parse("copy") + bind() + describe() + execute() + sync();
const std::string kBatchReply = parse_complete() + bind_complete() + no_data();

TEST_CASE("copy in by a simple query") {
  every_cut([](Talk& t) {
    t.client(query("copy t from stdin"));
    t.link();
    t.server(copy_in());
    CHECK(t.to_client() == copy_in());
    t.to_server();
    const std::string data = copy_data("1\n") + copy_data("") + copy_data("2\n") + copy_done();
    t.client(data);
    CHECK(t.to_server() == data);
    t.server(complete("COPY 2"));
    CHECK(t.needs() == "server");
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("copy in by the extended protocol: the server ignores the first sync") {
  every_cut([](Talk& t) {
    t.client(kBatch);
    t.link();
    t.server(kBatchReply + copy_in());
    CHECK(t.needs() == "server");
    t.client(copy_data("1\n") + copy_done() + sync());
    t.server(complete("COPY 1"));
    CHECK(t.needs().empty());
    t.server(ready('I'));
    CHECK(t.needs() == "release");
    CHECK(t.reusable());
  });
}

TEST_CASE("copy data sent before the server says it wants them") {
  SECTION("simple") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin") + copy_data("1\n") + copy_done());
      t.link();
      t.server(copy_in() + complete("COPY 1"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
  SECTION("extended") {
    every_cut([](Talk& t) {
      t.client(kBatch + copy_data("1\n") + copy_done() + sync());
      t.link();
      t.server(kBatchReply + copy_in() + complete("COPY 1"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
  SECTION("two copies in one query") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin; copy u from stdin") + copy_data("1\n") + copy_done() +
               sync() + copy_data("2\n") + copy_done() + query("next"));
      t.link();
      // The sync between the copies is read by the second and ignored.
      t.server(copy_in() + complete("COPY 1") + copy_in() + complete("COPY 1") + ready('I'));
      CHECK(t.needs() == "server");
      CHECK(t.server_view.pipeline.size() == 1);
      t.server(complete("SELECT 1") + ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
  SECTION("two copies in one batch") {
    every_cut([](Talk& t) {
      t.client(bind() + execute() + copy_data("1\n") + copy_done() + bind() + execute() +
               copy_data("2\n") + copy_done() + sync());
      t.link();
      t.server(bind_complete() + copy_in() + complete("COPY 1") + bind_complete() + copy_in() +
               complete("COPY 1"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("copy end for a statement that turns out to be no copy") {
  every_cut([](Talk& t) {
    t.client(execute() + copy_data("1\n") + copy_done() + query("next") + copy_done());
    t.link();
    t.server(complete("SELECT 1"));
    CHECK(t.server_view.pipeline.size() == 2);
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "server release");
    CHECK(t.reusable());
  });
}

TEST_CASE("copy in that fails before it wants data") {
  SECTION("simple") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin") + copy_data("1\n") + copy_done());
      t.link();
      t.server(error("no such table"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
  SECTION("extended: both syncs are answered") {
    every_cut([](Talk& t) {
      t.client(kBatch + copy_data("1\n") + copy_done() + sync());
      t.link();
      t.server(parse_complete() + error("no such table") + ready('I'));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
}

TEST_CASE("copy in that fails at a row") {
  SECTION("simple: what the client still sends is swallowed once it has no server") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin"));
      t.link();
      t.server(copy_in());
      t.client(copy_data("x\n"));
      t.server(error("bad row") + ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.reusable());
      t.to_server();
      t.client(copy_data("2\n") + copy_done() + copy_fail() + flush());
      CHECK(t.to_server().empty());
      CHECK(t.needs().empty());
      t.client(query("next"));
      CHECK(t.needs() == "server");
      t.link();
      CHECK(t.to_server() == query("next"));
    });
  }
  SECTION("simple: what arrives before ReadyForQuery still goes to the server") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin"));
      t.link();
      t.server(copy_in());
      t.client(copy_data("x\n"));
      t.server(error("bad row"));
      t.to_server();
      t.client(copy_data("2\n") + copy_done());
      CHECK(t.to_server() == copy_data("2\n") + copy_done());
      t.server(ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.reusable());
    });
  }
  SECTION("extended: the sync behind the data is answered, the server not trusted again") {
    every_cut([](Talk& t) {
      t.client(kBatch);
      t.link();
      t.server(kBatchReply + copy_in());
      t.client(copy_data("x\n"));
      t.server(error("bad row"));
      CHECK(t.needs() == "server");
      t.client(copy_data("2\n") + copy_done() + sync());
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.server_view.suspect);
      CHECK(!t.reusable());
    });
  }
  SECTION("extended without an early sync") {
    every_cut([](Talk& t) {
      t.client(bind() + execute() + flush());
      t.link();
      t.server(bind_complete() + copy_in());
      t.client(copy_data("x\n"));
      t.server(error("bad row"));
      t.client(copy_data("2\n") + copy_done() + sync());
      t.server(ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.reusable());
    });
  }
}

// A view, a BEFORE trigger: CopyInResponse has been sent, the first sync not been read.
TEST_CASE("copy in that fails before it has read anything answers both syncs") {
  SECTION("released after the first; the second is not waited for") {
    every_cut([](Talk& t) {
      t.client(kBatch);
      t.link();
      t.server(kBatchReply + copy_in() + error("cannot copy to view") + ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.server_view.suspect);
    });
  }
  SECTION("in a transaction both arrive") {
    every_cut([](Talk& t) {
      t.link();
      t.client(query("begin"));
      t.server(complete("BEGIN") + ready('T'));
      t.client(kBatch);
      t.server(kBatchReply + copy_in());
      t.client(copy_data("1\n") + copy_done() + sync());
      t.to_client();
      t.server(error("cannot copy to view") + ready('E') + ready('E'));
      CHECK(t.to_client() == error("cannot copy to view") + ready('E') + ready('E'));
      t.client(query("rollback"));
      t.server(complete("ROLLBACK"));
      CHECK(t.needs().empty());
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(!t.reusable());
    });
  }
  SECTION("a surplus ReadyForQuery takes no reply from the batch behind it") {
    every_cut([](Talk& t) {
      t.link();
      t.client(kBatch);
      t.server(kBatchReply + copy_in());
      t.client(copy_data("1\n") + copy_done() + sync() + parse("b") + bind() + execute() + sync());
      t.to_client();
      const std::string next =
          parse_complete() + bind_complete() + complete("SELECT 1") + ready('I');
      t.server(error("cannot copy to view") + ready('I') + ready('I'));
      CHECK(t.needs().empty());
      t.server(next);
      CHECK(t.to_client() == error("cannot copy to view") + ready('I') + ready('I') + next);
      CHECK(t.needs() == "release");
      CHECK(!t.reusable());
    });
  }
  SECTION("nor from a query behind it") {
    every_cut([](Talk& t) {
      t.link();
      t.client(kBatch);
      t.server(kBatchReply + copy_in());
      t.client(copy_data("1\n") + copy_done() + sync() + query("b") + message('F', "c"));
      t.to_client();
      t.server(error("cannot copy to view") + ready('I') + ready('I'));
      CHECK(t.needs().empty());
      const std::string next = complete("SELECT 1") + ready('I') + message('V', "1");
      t.server(next);
      CHECK(t.needs().empty());
      t.server(ready('I'));
      CHECK(t.to_client() ==
            error("cannot copy to view") + ready('I') + ready('I') + next + ready('I'));
      CHECK(t.needs() == "release");
      CHECK(!t.reusable());
    });
  }
}

TEST_CASE("copy in that fails at its end") {
  SECTION("simple") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin"));
      t.link();
      t.server(copy_in());
      t.client(copy_data("1\n") + copy_done());
      t.server(error("constraint") + ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(t.reusable());
    });
  }
  SECTION("extended") {
    every_cut([](Talk& t) {
      t.client(kBatch);
      t.link();
      t.server(kBatchReply + copy_in());
      t.client(copy_data("1\n") + copy_done() + sync());
      t.server(error("constraint") + ready('I'));
      CHECK(t.needs() == "server release");
      CHECK(!t.reusable());
    });
  }
}

TEST_CASE("copy in that the client fails") {
  SECTION("simple") {
    every_cut([](Talk& t) {
      t.client(query("copy t from stdin; select 2"));
      t.link();
      t.server(copy_in());
      t.client(copy_data("1\n") + copy_fail());
      t.server(error("COPY from stdin failed: no"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.reusable());
    });
  }
  SECTION("extended") {
    every_cut([](Talk& t) {
      t.client(kBatch);
      t.link();
      t.server(kBatchReply + copy_in());
      t.client(copy_fail() + sync());
      t.server(error("COPY from stdin failed: no"));
      CHECK(t.needs() == "server");
      t.server(ready('I'));
      CHECK(t.needs() == "release");
    });
  }
}

TEST_CASE("a server is not released while a CopyData is half sent") {
  every_cut([](Talk& t) {
    const std::string late = copy_data("a row that is late");
    t.client(query("copy t from stdin"));
    t.link();
    t.server(copy_in());
    t.to_server();
    t.client(late.substr(0, 9));
    t.server(error("bad row") + ready('I'));
    CHECK(t.needs() == "server");
    CHECK(t.linked());
    CHECK(!t.reusable());
    t.client(late.substr(9) + copy_done() + query("next"));
    CHECK(t.to_server() == late);
    CHECK(t.needs() == "release server");
    CHECK(t.reusable());
  });
}

TEST_CASE("a cut-off header of a CopyData does not hold the server") {
  every_cut([](Talk& t) {
    const std::string late = copy_data("a row that is late");
    t.client(query("copy t from stdin"));
    t.link();
    t.server(copy_in());
    t.to_server();
    t.client(late.substr(0, 3));
    t.server(error("bad row") + ready('I'));
    CHECK(t.needs() == "server release");
    t.client(late.substr(3) + query("next"));
    CHECK(t.to_server().empty());
    CHECK(t.needs() == "server");
    t.link();
    CHECK(t.to_server() == query("next"));
  });
}

TEST_CASE("a request inside a copy in makes the server suspect") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("copy t from stdin"));
    t.server(copy_in());
    t.client(query("what"));
    t.server(error("unexpected message type 0x51 during COPY from stdin"));
    CHECK(t.server_view.suspect);
    CHECK(!t.reusable());
  });
}

TEST_CASE("stray copy messages of an idle client are swallowed") {
  const auto play = [](Talk& t) {
    t.client(copy_data("x") + copy_done() + copy_fail() + flush());
    CHECK(t.needs().empty());
    t.link();
    t.client(copy_data("x") + copy_done() + copy_fail() + flush());
    CHECK(t.to_server().empty());
    CHECK(t.needs().empty());
  };
  every_cut(play, Release::session);
}

TEST_CASE("replication copies both ways") {
  const auto play = [](Talk& t) {
    t.link();
    t.client(query("START_REPLICATION"));
    t.server(message('W', std::string(3, '\0')) + message('d', "wal"));
    t.client(copy_data("status") + copy_done());
    t.server(message('d', "wal") + message('c') + complete("COPY 0") + ready('I'));
    CHECK(t.reusable());
    CHECK(t.linked());
  };
  every_cut(play, Release::session);
}

}  // namespace
}  // namespace remuda::session::test::conversation_copy_test
