// Prepared statements that follow their client, where clients, limits and messages are at their
// worst: what is only answered by us, settings that change, texts that are cut anywhere.
#include "unit/session/harness.h"

namespace remuda::session::test::statements_edge_test {
using namespace std::string_literals;

namespace {

std::string prepare(std::string_view name, std::string_view sql) {
  return message('P', zero_ended(name) + zero_ended(sql) + "\0\0"s);
}
std::string bind_to(std::string_view name) {
  return message('B', zero_ended("portal") + zero_ended(name) + "values");
}
std::string close_statement(std::string_view name) {
  return message('C', "S" + zero_ended(name));
}
std::string repeated(std::string_view text, size_t n) {
  std::string all;
  while (n-- > 0) all += text;
  return all;
}
std::string nowhere_error() {
  return error("it does not exist");
}
size_t count_of(const std::string& all, std::string_view part) {
  size_t n = 0;
  for (size_t at = all.find(part); at != all.npos; at = all.find(part, at + part.size())) ++n;
  return n;
}

const std::string kRun = execute() + sync();
const std::string kRan = bind_complete() + complete("SELECT 1");

}  // namespace

TEST_CASE("an unnamed statement that comes in pieces arrives to the byte, however long") {
  for (const size_t size : {70'000u, 1'000'000u, 1'100'000u}) {
    INFO(size);
    const std::string sent = prepare("", std::string(size, 'x')) + bind_to("") + kRun;
    for (const size_t first : {1u, 5u, 6u, 40'000u}) {
      INFO("cut behind " << first);
      Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
      t.follow_statements();
      t.client(sent.substr(0, first));
      t.link();
      t.client(sent.substr(first, 64 * 1024));
      t.client(sent.substr(std::min(sent.size(), first + 64 * 1024)));
      CHECK((t.to_server() == sent));
    }
  }
}

TEST_CASE("any number of messages that we answer ourselves may stand in one batch") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  const size_t n = 3 * Pipeline::kMaxOwed;
  t.client(repeated(close_statement("a"), n) + sync());
  t.link();
  CHECK(!t.wants_room());
  t.server(ready('I'));
  CHECK((t.to_client() == repeated(close_complete(), n) + ready('I')));
  CHECK(t.reusable());
}

TEST_CASE("where much of what is owed is ours, the server is asked to send what it has") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(prepare("", "select 1") + repeated(close_statement("a"), Pipeline::kMaxOwed) + sync());
  t.link();
  REQUIRE(t.wants_room());
  CHECK(t.to_server() == prepare("", "select 1") + flush());
  t.server(parse_complete());
  CHECK(!t.wants_room());
  CHECK(t.to_server() == sync());
  t.server(ready('I'));
  CHECK(count_of(t.to_client(), close_complete()) == Pipeline::kMaxOwed);
  CHECK(t.reusable());
}

TEST_CASE("what we answer ourselves behind a prepared DEALLOCATE is answered") {
  Talk t;
  t.follow_statements();
  t.client(prepare("", "deallocate x") + bind_to("") + execute() + close_statement("a"));
  t.link();
  t.server(parse_complete() + bind_complete() + complete("DEALLOCATE"));
  t.client(close_statement("b") + close_statement("c") + sync());
  CHECK(!t.wants_room());
  t.server(ready('I'));
  CHECK(count_of(t.to_client(), close_complete()) == 3);
  CHECK(t.reusable());
}

TEST_CASE("a batch that may deallocate and begins a COPY is done when that is") {
  Talk t;
  t.follow_statements();
  t.client(prepare("", "deallocate x") + bind_to("") + kRun.substr(0, execute().size()) + flush());
  t.link();
  t.server(parse_complete() + bind_complete() + complete("DEALLOCATE"));
  t.client(prepare("", "copy t from stdin") + bind_to("") + kRun);
  t.server(parse_complete());
  t.server(bind_complete() + copy_in());
  t.client(copy_data("row") + copy_done() + sync());
  t.server(complete("COPY 1") + ready('I'));
  CHECK(t.needs() == "server release");
  CHECK(t.server_view.changes.empty());
}

TEST_CASE("the next client of a server does not wait for what the last might have deallocated") {
  Talk t;
  t.follow_statements();
  t.client(prepare("", "deallocate x") + bind_to(""));
  t.link();
  bool needs_sync = false;
  REQUIRE(abandon(t.server_view, needs_sync));
  REQUIRE(needs_sync);
  t.unlink();
  t.server(parse_complete() + bind_complete() + ready('I'));
  REQUIRE(t.server_view.is_quiet());
  CHECK(!t.server_view.batch_deallocates);
}

TEST_CASE("a limit of zero ends a client's statements, but not in the middle of a batch") {
  Talk t;
  t.follow_statements();
  t.limits.prepare_unnamed = true;
  t.client(prepare("", "select 1"));
  t.link();
  t.limits.max_prepared_statements = 0;
  t.to_server();
  t.client(bind_to("") + kRun);
  // By its name, for without one it might be another client's.
  CHECK(count_of(t.to_server(), "remuda_") == 1);
  t.server(parse_complete() + kRan + ready('I'));
  const std::string batch = prepare("a", "select 2") + sync();
  t.client(batch);
  t.link();
  CHECK(t.to_server() == batch);
  t.server(parse_complete() + ready('I'));
  t.limits.max_prepared_statements = 10;
  t.limits.prepare_unnamed = false;
  t.client(bind_to("") + kRun);
  t.link();
  CHECK(count_of(t.to_server(), "remuda_nowhere") == 1);
}

TEST_CASE("a long message behind many answers of ours is not lost") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(bind_to("a") + sync());
  t.link();
  const std::string last = parameter("TimeZone", std::string(30'000, 'z'));
  t.server(nowhere_error() + ready('I'));
  t.link();
  t.to_client();
  t.server(last.substr(0, 10));
  const size_t n = 4000;
  t.client(repeated(close_statement("a"), n) + sync());
  t.server(last.substr(10) + ready('I'));
  CHECK(t.to_client().size() == close_complete().size() * n + last.size() + ready('I').size());
}

TEST_CASE("what comes in the middle of a COPY does not wait for its end") {
  Talk t;
  t.follow_statements();
  t.client(prepare("", "deallocate x") + bind_to("") + execute() + flush());
  t.link();
  t.server(parse_complete() + bind_complete() + complete("DEALLOCATE"));
  t.client(prepare("", "copy t from stdin"));
  t.server(parse_complete());
  t.client(bind_to("") + execute());
  t.server(bind_complete() + copy_in());
  t.client(prepare("", "select 1"));
  CHECK(!t.wants_room());
}

TEST_CASE("a server whose settings changed while it was prepared for is not lent again") {
  Talk t;
  t.follow_statements();
  t.client(query("set datestyle to dmy") + prepare("a", "select '1/2/3'::date") + sync());
  t.link();
  t.server(complete("SET") + parameter("DateStyle", "ISO, DMY") + ready('I') + parse_complete() +
           ready('I'));
  CHECK(t.server_view.is_quiet());
  CHECK(!t.reusable());
}

TEST_CASE("a server whose settings changed before it was prepared for is lent again") {
  every_cut([](Talk& t) {
    t.follow_statements();
    t.client(query("set datestyle to dmy"));
    t.link();
    t.server(complete("SET") + parameter("DateStyle", "ISO, DMY") + ready('T'));
    t.client(prepare("a", "select '1/2/3'::date") + bind_to("a") + kRun);
    t.server(parse_complete() + kRan + ready('I'));
    CHECK(t.reusable());
  });
}

TEST_CASE("the unnamed statement that another client left under other settings is not used") {
  Talk t;
  t.follow_statements();
  t.client(prepare("set", "set datestyle to dmy") + prepare("", "select '1/2/3'::date") +
           bind_to("set") + execute() + sync());
  t.link();
  t.server(parse_complete() + parse_complete() + bind_complete() + complete("SET") +
           parameter("DateStyle", "ISO, DMY") + ready('I'));
  const ParameterSetRef now = t.server_view.parameters;
  t.next_client();
  t.client_view.parameters = now;
  const ServerView first = std::exchange(t.server_view, ServerView{});
  (void)first;
  t.server_view.parameters = t.server_view.reported = now;
  t.client(prepare("", "select '1/2/3'::date") + sync());
  t.link();
  t.server(parse_complete() + ready('I'));
  t.server_view.unnamed = first.unnamed;
  t.to_server();
  t.client(bind_to("") + kRun);
  t.link();
  CHECK(t.to_server() == prepare("", "select '1/2/3'::date") + bind_to("") + kRun);
}

TEST_CASE("a statement too long to keep is not prepared as another text") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(prepare("", std::string(1024 * 1024 + 1, 'x')) + sync());
  t.link();
  t.server(parse_complete() + ready('I'));
  t.to_server();
  t.limits.prepare_unnamed = true;
  t.client(bind_to("") + kRun);
  t.link();
  CHECK(count_of(t.to_server(), message('P').substr(0, 1)) == 0);
}

TEST_CASE("a server on which somebody has prepared what we refuse by is closed") {
  Talk t;
  t.follow_statements();
  t.client(bind_to("unknown") + kRun);
  t.link();
  t.server(bind_complete() + data_row("of another") + complete("SELECT 1") + ready('I'));
  CHECK(t.to_client().empty());
  CHECK_THAT(t.needs(), Catch::Contains("fail"));
}

TEST_CASE("a name that no Bind could name is refused when it is given") {
  Talk t(Cut{Cut::kWhole, Egress::kMinScratch});
  t.follow_statements();
  t.client(prepare(std::string(100'000, 'n'), "select 1") + sync());
  t.link();
  CHECK_THAT(t.needs(), Catch::Contains("too long"));
}

}  // namespace remuda::session::test::statements_edge_test
