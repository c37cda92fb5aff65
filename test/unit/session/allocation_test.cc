// The promise: nothing is allocated per query, nor for the bytes of a large message.
#include "unit/session/allocations.h"

#include <memory>
#include <vector>

#include "unit/session/harness.h"

namespace remuda::session::test::allocation_test {
namespace {

// A conversation without the harness, whose strings would be counted.
struct Bare {
  std::vector<char> scratch = std::vector<char>(Egress::kMinScratch);
  Egress out{scratch};
  ClientView client;
  ServerView server;
  Limits limits;
  bool failed = false;

  Bare() { client.release = Release::transaction; }

  void asks(ByteView bytes) {
    failed |= from_client(client, nullptr, bytes, out, limits).need != Need::server;
    const Progress progress = from_client(client, &server, bytes, out, limits);
    failed |= progress.need != Need::none || out.size() != bytes.size();
    out.clear();
  }

  void answers(ByteView bytes, Need need) {
    const Progress progress = from_server(server, &client, bytes, out, limits);
    failed |= progress.need != need || out.size() != bytes.size();
    out.clear();
  }
};

template <class Round>
uint64_t allocations_of(const Round& round) {
  for (int i = 0; i < 3; ++i) round();  // the ring grows to what this client needs
  const uint64_t before = allocations();
  for (int i = 0; i < 1000; ++i) round();
  return allocations() - before;
}

TEST_CASE("the counter counts") {
  const uint64_t before = allocations();
  auto memory = std::make_unique<int>(1);
  CHECK(allocations() == before + 1);
}

TEST_CASE("a simple query allocates nothing") {
  Bare bare;
  const std::string request = query("select 1");
  const std::string reply = row_description() + data_row("1") + complete("SELECT 1") + ready('I');
  CHECK(allocations_of([&] {
          bare.asks(request);
          bare.answers(reply, Need::release);
        }) == 0);
  CHECK(!bare.failed);
}

TEST_CASE("an extended query allocates nothing, however deep its pipeline") {
  for (const int depth : {1, 10, 500}) {
    Bare bare;
    std::string request, reply;
    for (int i = 0; i < depth; ++i) {
      request += parse("a") + bind() + describe() + execute();
      reply += parse_complete() + bind_complete() + row_description() + data_row("1") +
               complete("SELECT 1");
    }
    request += sync();
    reply += ready('I');
    CHECK(allocations_of([&] {
            bare.asks(request);
            bare.answers(reply, Need::release);
          }) == 0);
    CHECK(!bare.failed);
  }
}

TEST_CASE("a prepared statement that is used again allocates nothing") {
  ParameterTable parameters;
  StatementTable statements;
  for (const bool is_named : {true, false}) {
    Bare bare;
    bare.limits.statements = &statements;
    bare.limits.max_prepared_statements = 10;
    bare.client.parameters = parameters.intern({{"TimeZone", "UTC"}});
    const std::string name = is_named ? "a name longer than the small string buffer" : "";
    const std::string prepare =
        message('P', zero_ended(name) + zero_ended("select $1") + std::string(2, '\0'));
    const std::string use = message('B', zero_ended("") + zero_ended(name) + "values") +
                            message('D', "S" + zero_ended(name)) + execute();
    const std::string used =
        bind_complete() + row_description() + data_row("1") + complete("SELECT 1") + ready('I');
    const auto ask = [&](const std::string& request, const std::string& reply) {
      from_client(bare.client, &bare.server, request, bare.out, bare.limits);
      bare.out.clear();
      bare.answers(reply, Need::release);
    };
    if (is_named) ask(prepare + sync(), parse_complete() + ready('I'));
    const std::string request = (is_named ? "" : prepare) + use + sync();
    const std::string reply = (is_named ? "" : parse_complete()) + used;
    CHECK(allocations_of([&] { ask(request, reply); }) == 0);
    CHECK(!bare.failed);
  }
}

TEST_CASE("a query cut inside its headers allocates nothing") {
  Bare bare;
  const std::string request = query("select 1");
  const std::string reply = complete("SELECT 1");
  const std::string end = ready('I');
  CHECK(allocations_of([&] {
          bare.asks(request);
          from_server(bare.server, &bare.client, ByteView(reply).substr(0, 3), bare.out,
                      bare.limits);
          from_server(bare.server, &bare.client, ByteView(reply).substr(3), bare.out, bare.limits);
          bare.out.clear();
          bare.answers(end, Need::release);
        }) == 0);
  CHECK(!bare.failed);
}

TEST_CASE("a reported parameter that does not change allocates nothing") {
  ParameterTable table;
  Bare bare;
  bare.client.parameters = bare.server.parameters = bare.server.reported =
      table.intern({{"application_name", "a name longer than the small string buffer"}});
  const std::string request = query("set application_name = ...");
  const std::string reply =
      parameter("application_name", "a name longer than the small string buffer") +
      complete("SET") + ready('I');
  CHECK(allocations_of([&] {
          bare.asks(request);
          bare.answers(reply, Need::release);
        }) == 0);
  CHECK(!bare.failed);
}

TEST_CASE("a row of a gigabyte allocates nothing") {
  Bare bare;
  const std::string request = query("select");
  bare.asks(request);
  const std::string start = header('D', 1u << 30);
  std::vector<char> buffer(64 * 1024, 'Z');
  const uint64_t before = allocations();
  bare.answers(start, Need::none);
  for (uint64_t left = (1u << 30) - 4; left > 0;) {
    const size_t n = std::min<uint64_t>(left, buffer.size());
    bare.answers({buffer.data(), n}, Need::none);
    left -= n;
  }
  CHECK(allocations() == before);
  CHECK(!bare.failed);
  CHECK(bare.server.frame.at_boundary());
}

TEST_CASE("a CopyData of a gigabyte allocates nothing") {
  Bare bare;
  const std::string request = query("copy t from stdin");
  const std::string reply = copy_in();
  bare.asks(request);
  bare.answers(reply, Need::none);
  const std::string start = header('d', 1u << 30);
  std::vector<char> buffer(64 * 1024, 'X');
  const auto send = [&bare](ByteView bytes) {
    const Progress p = from_client(bare.client, &bare.server, bytes, bare.out, bare.limits);
    bare.failed |= p.need != Need::none || bare.out.size() != bytes.size();
    bare.out.clear();
  };
  const uint64_t before = allocations();
  send(start);
  for (uint64_t left = (1u << 30) - 4; left > 0;) {
    const size_t n = std::min<uint64_t>(left, buffer.size());
    send({buffer.data(), n});
    left -= n;
  }
  CHECK(allocations() == before);
  CHECK(!bare.failed);
}

}  // namespace
}  // namespace remuda::session::test::allocation_test
