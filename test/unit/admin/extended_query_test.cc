#include "admin/extended_query.h"

#include "unit/admin/fake_control.h"

namespace remuda::admin::extended_query_test {
using namespace std::string_literals;

namespace {

std::string parse(const std::string& name, const std::string& sql) {
  return message('P', name + "\0"s + sql + "\0\0\0"s);
}
std::string bind_to(const std::string& portal, const std::string& name,
                    const std::string& formats = "\0\0"s) {
  return message('B', portal + "\0"s + name + "\0\0\0\0\0"s + formats);
}
std::string describe(char kind, const std::string& name) {
  return message('D', kind + name + "\0"s);
}
std::string execute(const std::string& portal, char rows = 0) {
  return message('E', portal + "\0\0\0\0"s + rows);
}
std::string close(char kind, const std::string& name) {
  return message('C', kind + name + "\0"s);
}
const std::string kSync = message('S', "");

std::string types_of(const std::vector<Reply>& replies) {
  std::string types;
  for (const Reply& reply : replies) types += reply.type;
  return types;
}

struct Asked {
  FakeControl control;
  ConsoleClient client{control};

  std::vector<Reply> operator()(const std::string& messages) {
    client.send(messages);
    return split(client.receive());
  }
};

}  // namespace

TEST_CASE("a driver's usual exchange gives columns, rows and a tag", "[extended_query]") {
  Asked ask;
  const auto replies =
      ask(parse("", "SHOW VERSION") + bind_to("", "") + describe('P', "") + execute("") + kSync);
  REQUIRE(types_of(replies) == "12TDCZ");
  CHECK(columns_of(replies[2]) == std::vector<ColumnSeen>{{"version", wire::oid::kText}});
  CHECK(values_of(replies[3]) == std::vector<std::string>{"PgBouncer 1.26.0"});
  CHECK(replies[4].body == "SHOW\0"s);
}

TEST_CASE("a named statement outlives Sync and simple queries, until it is closed",
          "[extended_query]") {
  Asked ask;
  const auto described = ask(parse("a", "SHOW STATE") + describe('S', "a") + kSync);
  REQUIRE(types_of(described) == "1tTZ");
  CHECK(described[1].body == "\0\0"s);
  CHECK(types_of(ask.client.ask("SHOW VERSION")) == "TDCZ");
  for (int i = 0; i < 2; ++i) {
    CHECK(types_of(ask(bind_to("p", "a") + execute("p") + kSync)) == "2DDDCZ");
  }
  CHECK(types_of(ask(close('S', "a") + close('P', "none") + kSync)) == "33Z");
  const auto gone = ask(bind_to("", "a") + execute("") + kSync);
  REQUIRE(types_of(gone) == "EZ");
  CHECK(fields_of(gone[0]) == "SERROR|C26000|Mprepared statement \"a\" does not exist|");
}

TEST_CASE("a command without rows runs when executed, once", "[extended_query]") {
  Asked ask;
  const auto replies = ask(parse("", "SET verbose = 1") + describe('S', "") + bind_to("", "") +
                           describe('P', "") + kSync);
  CHECK(types_of(replies) == "1tn2nZ");
  CHECK(ask.control.settings.empty());
  CHECK(types_of(ask(bind_to("", "") + execute("") + kSync)) == "2CZ");
  CHECK(ask.control.settings.size() == 1);
}

TEST_CASE("after an error everything up to Sync is passed over", "[extended_query]") {
  Asked ask;
  std::string query;
  wire::query(query, "SHOW VERSION");
  const auto replies = ask(parse("", "nonsense") + bind_to("", "") + execute("") + query + kSync);
  REQUIRE(types_of(replies) == "EZ");
  CHECK(fields_of(replies[0]) == "SERROR|C08P01|Minvalid command 'nonsense', use SHOW HELP;|");
  CHECK(types_of(ask.client.ask("SHOW VERSION")) == "TDCZ");
}

TEST_CASE("rows may be fetched in parts", "[extended_query]") {
  Asked ask;
  const auto replies =
      ask(parse("", "SHOW STATE") + bind_to("", "") + execute("", 2) + execute("", 2) + kSync);
  CHECK(types_of(replies) == "12DDsDCZ");
}

TEST_CASE("numbers are given in binary where that is asked for", "[extended_query]") {
  Asked ask;
  const auto replies = ask(parse("", "SHOW LISTS") + bind_to("", "", "\0\1\0\1"s) +
                           describe('P', "") + execute("") + kSync);
  REQUIRE(replies.size() > 4);
  REQUIRE(replies[3].type == 'D');
  CHECK(values_of(replies[3]) == std::vector<std::string>{"databases", "\0\0\0\1"s});
  CHECK(replies[2].body.ends_with("\0\1"s));
  const auto refused = ask(bind_to("", "", "\0\3\0\1\0\1\0\1"s) + execute("") + kSync);
  REQUIRE(types_of(refused) == "2EZ");
  CHECK(fields_of(refused[1]) ==
        "SERROR|C08P01|Mbind message has 3 result formats but query has 2 columns|");
}

TEST_CASE("what is malformed or not there is refused, and the console goes on",
          "[extended_query]") {
  Asked ask;
  const std::pair<std::string, std::string> kCases[] = {
      {message('P', "a"), "08P01"},
      {message('P', "\0SHOW STATE\0\x7f\xff"s), "08P01"},
      {message('D', "X\0"s), "08P01"},
      {message('E', "\0"s), "08P01"},
      {execute("none"), "34000"},
      {describe('S', "none"), "26000"},
      {message('B', "\0s\0\0\0\0\1\0\0\0\0\0\0"s), "26000"},
  };
  for (const auto& [bytes, code] : kCases) {
    const auto replies = ask(bytes + kSync);
    REQUIRE(types_of(replies) == "EZ");
    CHECK_THAT(fields_of(replies[0]), Catch::Contains("|C" + code + "|"));
  }
  const auto cut = ask(parse("", "SHOW STATE") + message('B', "\0\0\xff\xff"s) + kSync);
  REQUIRE(types_of(cut) == "1EZ");
  CHECK_THAT(fields_of(cut[1]), Catch::Contains("|C08P01|"));
  CHECK(types_of(ask(parse("s", "SHOW STATE") + parse("s", "SHOW STATE") + kSync)) == "1EZ");
  CHECK(types_of(ask.client.ask("SHOW VERSION")) == "TDCZ");
}

TEST_CASE("only so many statements and portals are kept", "[extended_query]") {
  Asked ask;
  std::string many;
  for (int i = 0; i < 300; ++i) many += parse("s" + std::to_string(i), "SHOW STATE");
  const auto replies = ask(many + kSync);
  REQUIRE(replies.size() == 256 + 2);
  CHECK(fields_of(replies[256]) == "SERROR|C54000|Mtoo many prepared statements|");
  std::string portals;
  for (int i = 0; i < 20; ++i) portals += bind_to("p" + std::to_string(i), "s0");
  const auto bound = ask(portals + kSync);
  REQUIRE(bound.size() == 16 + 2);
  CHECK(fields_of(bound[16]) == "SERROR|C54000|Mtoo many portals|");
}

TEST_CASE("names and statements have a longest length", "[extended_query]") {
  Asked ask;
  const std::string refused = "SERROR|C54000|Mname or statement too long|";
  const std::string longest(100'000, 'x');
  for (const std::string& bytes : {parse(longest, "SHOW STATE"), parse("", "SHOW " + longest),
                                   parse("", "SHOW STATE") + bind_to(longest, "")}) {
    const auto replies = ask(bytes + kSync);
    REQUIRE(replies.size() >= 2);
    CHECK(fields_of(replies[replies.size() - 2]) == refused);
  }
}

TEST_CASE("an empty statement has an empty answer, which drivers ask for", "[extended_query]") {
  Asked ask;
  for (const char* text : {"", " ;"}) {
    CHECK(types_of(ask(parse("", text) + bind_to("", "") + describe('P', "") + execute("") +
                       kSync)) == "12nIZ");
  }
}

TEST_CASE("rights are the same as in simple queries", "[extended_query]") {
  FakeControl control;
  ConsoleClient client(control, false);
  client.send(parse("", "PAUSE") + bind_to("", "") + execute("") + kSync);
  const auto replies = split(client.receive());
  REQUIRE(types_of(replies) == "12EZ");
  CHECK(fields_of(replies[2]) == "SERROR|C08P01|Madmin access needed|");
}

}  // namespace remuda::admin::extended_query_test
