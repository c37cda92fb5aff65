// Queries of our own to a server played by the test: right answers, errors, and breaches.
#include "pg/query.h"

#include "io/deadline.h"
#include "support/catch.h"
#include "unit/pg/peer.h"

namespace remuda::pg::query_test {
namespace {

using Strings = std::vector<std::string>;

struct Bench {
  explicit Bench(size_t piece = 0)
      : stream(io::Stream::adopt(loop, std::move(pair.ours))),
        peer(loop, std::move(pair.theirs), piece) {}

  QueryResult ask(const Script& script, QueryLimits limits = {}) {
    return played(loop, peer, query(stream, "SELECT $1", Strings{"ann"}, limits), script);
  }
  QueryResult run(const Script& script) {
    return played(loop, peer, simple(stream, "DISCARD ALL"), script);
  }

  io::Loop loop;
  io::SocketPair pair = io::unix_pair();
  io::Stream stream;
  Peer peer;
};

// Takes the question, gives the answer.
Script answers(const std::string& bytes) {
  return [bytes](Peer& peer) {
    while (peer.next().type != 'S') {
    }
    peer.send(bytes);
  };
}

Script answers_simple(const std::string& bytes) {
  return [bytes](Peer& peer) {
    CHECK(peer.next().type == 'Q');
    peer.send(bytes);
  };
}

std::string message(char type, const std::string& body = "") {
  std::string out;
  wire::MessageBuilder(out, type).bytes(body);
  return out;
}

std::string columns(int count) {
  std::string out;
  const std::vector<wire::Column> all(static_cast<size_t>(count), wire::Column{"c"});
  wire::row_description(out, all);
  return out;
}

std::string row(const std::vector<wire::Value>& values) {
  std::string out;
  wire::data_row(out, values);
  return out;
}

std::string complete() {
  std::string out;
  wire::command_complete(out, "SELECT 1");
  return out;
}

std::string ready(char status = 'I') {
  return message('Z', std::string(1, status));
}

std::string error(const char* severity, const char* state, const char* text) {
  std::string out;
  wire::error_response(out, severity, SqlState(state), text);
  return out;
}

std::string parameter(const char* name, const char* value) {
  std::string out;
  wire::parameter_status(out, name, value);
  return out;
}

const std::string kBegun = message('1') + message('2');
const std::string kOneRow = kBegun + columns(2) + row({"ann", "secret"}) + complete() + ready();

// The text of what makes the connection unusable.
std::string breach_of(const std::string& bytes, QueryLimits limits = {}) {
  Bench bench;
  try {
    bench.ask(answers(bytes), limits);
  } catch (const QueryRefusal&) {
    return "refused";
  } catch (const PgError& fault) {
    return fault.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a query goes out as unnamed objects with text parameters", "[query]") {
  Bench bench;
  bench.ask([](Peer& peer) {
    CHECK(peer.next().body == std::string("\0SELECT $1\0\0\0", 13));
    CHECK(peer.next().body == std::string("\0\0\0\0\0\1\0\0\0\3ann\0\0", 15));
    const Received describe = peer.next();
    CHECK(describe.type == 'D');
    CHECK(describe.body == std::string("P\0", 2));
    const Received execute = peer.next();
    CHECK(execute.type == 'E');
    CHECK(execute.body == std::string(5, '\0'));
    CHECK(peer.next().type == 'S');
    peer.send(kOneRow);
  });
}

TEST_CASE("a parameter with quotes and backslashes stays a parameter", "[query]") {
  Bench bench;
  const std::string name = "a'; DROP TABLE x; --\\\"";
  played(bench.loop, bench.peer, query(bench.stream, "SELECT $1", Strings{name}, QueryLimits()),
         [&](Peer& peer) {
           CHECK(peer.next().body == std::string("\0SELECT $1\0\0\0", 13));
           CHECK(peer.next().body.find(name) != std::string::npos);
           answers(kOneRow)(peer);
         });
}

TEST_CASE("rows and NULLs come back, whole or byte by byte", "[query]") {
  const size_t piece = GENERATE(size_t{0}, size_t{1}, size_t{7});
  Bench bench(piece);
  const auto result = bench.ask(answers(kBegun + columns(2) + row({"ann", std::nullopt}) +
                                        row({"", "b"}) + complete() + ready()));
  CHECK(result.columns == 2);
  REQUIRE(result.rows.size() == 2);
  CHECK(result.rows[0] == Row{"ann", std::nullopt});
  CHECK(result.rows[1] == Row{"", "b"});
  // The connection is good for another.
  CHECK(bench.ask(answers(kOneRow)).rows.size() == 1);
}

TEST_CASE("no rows, and a statement that has none", "[query]") {
  Bench bench;
  auto result = bench.ask(answers(kBegun + columns(2) + complete() + ready()));
  CHECK(result.columns == 2);
  CHECK(result.rows.empty());
  result = bench.ask(answers(kBegun + message('n') + complete() + ready()));
  CHECK(result.columns == 0);
  result = bench.ask(answers(kBegun + message('n') + message('I') + ready()));
  CHECK(result.columns == 0);
}

TEST_CASE("what a server may say at any time", "[query]") {
  Bench bench;
  std::string notice;
  wire::notice_response(notice, "by the way");
  const std::string notification = message('A', std::string("\0\0\0\1chan\0load\0", 14));
  const auto result = bench.ask(answers(
      parameter("TimeZone", "UTC") + message('1') + notice + message('2') + notification +
      columns(1) + row({"x"}) + parameter("TimeZone", "CET") + complete() + notice + ready()));
  CHECK(result.rows.size() == 1);
  const std::vector<wire::Parameter> expected{{"TimeZone", "UTC"}, {"TimeZone", "CET"}};
  CHECK(result.reported == expected);
}

TEST_CASE("an error is thrown when the server is ready again", "[query]") {
  const std::string begun =
      GENERATE(std::string(), message('1'), kBegun, kBegun + columns(1) + row({"x"}));
  Bench bench;
  const std::string failing = parameter("TimeZone", "CET") + begun;
  try {
    bench.ask(answers(failing + error("ERROR", "42P01", "no such table") + ready()));
    FAIL("no error");
  } catch (const QueryRefusal& refusal) {
    CHECK(refusal.sqlstate() == SqlState("42P01"));
    CHECK(std::string(refusal.what()) == "no such table");
    CHECK(refusal.reported.size() == 1);
  }
  CHECK(bench.ask(answers(kOneRow)).rows.size() == 1);
}

TEST_CASE("a fatal error ends the connection and is not waited behind", "[query]") {
  CHECK(breach_of(error("FATAL", "57P01", "terminating connection")) == "terminating connection");
}

TEST_CASE("answers that no query of ours has", "[query]") {
  const std::string unexpected = "query failed: unexpected message";
  CHECK(breach_of(message('2')) == unexpected);
  CHECK(breach_of(message('1') + ready()) == unexpected);
  CHECK(breach_of(kBegun + row({"x"})) == unexpected);
  CHECK(breach_of(kBegun + columns(1) + ready()) == unexpected);
  CHECK(breach_of(kBegun + columns(1) + columns(1)) == unexpected);
  CHECK(breach_of(kBegun + message('n') + row({"x"})) == unexpected);
  CHECK(breach_of(kBegun + columns(1) + complete() + complete()) == unexpected);
  CHECK(breach_of(kBegun + message('H', std::string(3, '\0'))) == unexpected);
  CHECK(breach_of(kBegun + message('G', std::string(3, '\0'))) == unexpected);
  CHECK(breach_of(kBegun + columns(1) + message('s')) == unexpected);
  CHECK(breach_of(message('R', std::string(4, '\0'))) == unexpected);
  const std::string failed = error("ERROR", "42P01", "no such table");
  CHECK(breach_of(failed + failed) == unexpected);
  CHECK(breach_of(failed + message('1')) == unexpected);
}

TEST_CASE("malformed answers", "[query]") {
  const std::string malformed = "query failed: malformed DataRow";
  const std::string begun = kBegun + columns(2);
  CHECK(breach_of(begun + row({"x"})) == malformed);
  CHECK(breach_of(begun + message('D', std::string("\0\2\0\0\0\1a", 7))) == malformed);
  CHECK(breach_of(begun + message('D', std::string("\0\2\0\0\0\0\x7f\xff\xff\xff", 10))) ==
        malformed);
  CHECK(breach_of(begun + message('D', std::string("\0\2\0\0\0\0\xff\xff\xff\xfe", 10))) ==
        malformed);
  CHECK(breach_of(begun + message('D', std::string("\0\2\0\0\0\0\0\0\0\0x", 11))) == malformed);
  CHECK(breach_of(kBegun + message('T', "x")) == "query failed: malformed RowDescription");
  CHECK(breach_of(message('S', "name")) == "query failed: malformed ParameterStatus");
  CHECK(breach_of(std::string("1\0\0\0\3", 5)).starts_with("bad packet header"));
  CHECK(breach_of(std::string("1\x7f\xff\xff\xff", 5)).starts_with("bad packet header"));
}

TEST_CASE("an answer is bounded", "[query]") {
  const std::string begun = kBegun + columns(1);
  QueryLimits limits;
  limits.rows = 2;
  const std::string rows = row({"x"}) + row({"x"});
  CHECK(breach_of(begun + rows + complete() + ready(), limits) == "none");
  CHECK(breach_of(begun + rows + row({"x"}), limits) == "query failed: too many rows");
  limits.bytes = 300;
  CHECK(breach_of(begun + row({std::string(400, 'x')}), limits) ==
        "query failed: the answer is too long");
  std::string settings;
  for (int i = 0; i < 201; ++i) settings += parameter("a", "b");
  CHECK(breach_of(settings) == "query failed: too many parameters");
}

TEST_CASE("a server that is not quiet afterwards", "[query]") {
  const std::string done = kBegun + columns(1) + complete();
  CHECK(breach_of(done + ready('T')) == "query failed: a transaction was left open");
  CHECK(breach_of(done + ready('E')) == "query failed: a transaction was left open");
  CHECK(breach_of(done + message('Z')) == "query failed: a transaction was left open");
  CHECK(breach_of(done + ready() + message('1')) == "query failed: bytes behind ReadyForQuery");
}

TEST_CASE("a server that leaves, and one that does not answer", "[query]") {
  Bench bench;
  CHECK_THROWS_AS(bench.ask([](Peer& peer) {
    answers(kBegun)(peer);
    peer.close();
  }),
                  Closed);
  Bench slow;
  const io::Deadline deadline(slow.loop, 10 * kMillisecond, slow.stream, "too slow");
  CHECK_THROWS_AS(slow.ask(answers(kBegun)), TimedOut);
}

TEST_CASE("simple queries", "[query]") {
  Bench bench;
  auto result = bench.run(answers_simple(parameter("TimeZone", "UTC") + complete() + ready()));
  CHECK(result.reported.size() == 1);
  // Several statements; their rows are of no use.
  result = bench.run(answers_simple(columns(1) + row({"x"}) + complete() + complete() + columns(2) +
                                    row({"x", "y"}) + complete() + ready()));
  CHECK(result.rows.empty());
  CHECK_THROWS_AS(
      bench.run(answers_simple(complete() + error("ERROR", "25001", "not now") + ready())),
      QueryRefusal);
  CHECK_NOTHROW(bench.run(answers_simple(message('I') + ready())));
}

TEST_CASE("breaches of a simple query", "[query]") {
  const std::string bytes =
      GENERATE(ready(), row({"x"}), message('1'), columns(1) + ready(), complete() + ready('T'),
               message('G', std::string(3, '\0')), message('W', std::string(3, '\0')));
  Bench bench;
  try {
    bench.run(answers_simple(bytes));
    FAIL("no breach");
  } catch (const QueryRefusal&) {
    FAIL("not a breach");
  } catch (const PgError& fault) {
    CHECK(std::string(fault.what()).starts_with("query failed: "));
  }
}

}  // namespace remuda::pg::query_test
