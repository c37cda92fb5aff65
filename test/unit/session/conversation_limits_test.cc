// Malformed messages, very large ones, and too many of them.
#include <algorithm>
#include <vector>

#include "unit/session/harness.h"

namespace remuda::session::test::conversation_limits_test {
namespace {

TEST_CASE("an unknown message of a client is refused and not sent on") {
  for (const char type : {'\0', 'Z', 'p', 'm', '\xff', ' '}) {
    every_cut([type](Talk& t) {
      t.link();
      t.client(query("a"));
      t.client(header(type, 4));
      CHECK(t.to_server() == query("a"));
      CHECK(t.needs() == "fail: unknown pkt");
      CHECK(std::string(t.client_view.frame.header, 5) == header(type, 4));
    });
  }
}

TEST_CASE("an unknown message of a server is refused and not sent on") {
  for (const char type : {'\0', 'Q', 'R', 'K', 'm', '\xff'}) {
    every_cut([type](Talk& t) {
      t.link();
      t.client(query("a"));
      t.server(complete("SELECT 1") + header(type, 4));
      CHECK(t.to_client() == complete("SELECT 1"));
      CHECK(t.needs() == "fail: unknown pkt");
      CHECK(std::string(t.server_view.frame.header, 5) == header(type, 4));
    });
  }
}

TEST_CASE("a length below its own size or above max_packet_size is refused") {
  for (const uint32_t length : {0u, 1u, 3u, 1001u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const auto from_client_side = [length](Talk& t) {
      t.limits.max_packet_size = 1000;
      t.link();
      t.client(header('Q', length));
      CHECK(t.to_server().empty());
      CHECK(t.needs() == "fail: bad packet header");
    };
    const auto from_server_side = [length](Talk& t) {
      t.limits.max_packet_size = 1000;
      t.link();
      t.client(query("a"));
      t.server(header('D', length));
      CHECK(t.to_client().empty());
      CHECK(t.needs() == "fail: bad packet header");
    };
    every_cut(from_client_side);
    every_cut(from_server_side);
  }
}

TEST_CASE("the largest legal lengths are taken") {
  every_cut([](Talk& t) {
    t.link();
    t.client(header('Q', 0x7fffffff) + "select ...");
    CHECK(t.needs().empty());
    CHECK(t.to_server() == header('Q', 0x7fffffff) + "select ...");
    CHECK(!t.reusable());
  });
  every_cut([](Talk& t) {
    t.limits.max_packet_size = 10;
    t.link();
    t.client(query("12345"));
    CHECK(t.to_server() == query("12345"));
    CHECK(t.needs().empty());
  });
}

TEST_CASE("a ReadyForQuery of another size or status is refused and not sent on") {
  for (const std::string& bad :
       {message('Z'), message('Z', "II"), message('Z', "i"), message('Z', std::string(1, '\0'))}) {
    every_cut([&bad](Talk& t) {
      t.link();
      t.client(query("a"));
      t.server(bad);
      CHECK(t.needs() == "fail: server sent a reply that was not asked for");
      CHECK(t.to_client().empty());
    });
  }
}

TEST_CASE("a ReadyForQuery that nobody asked for is refused") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("begin"));
    t.server(complete("BEGIN") + ready('T') + ready('I'));
    CHECK(t.needs() == "fail: server sent a reply that was not asked for");
    CHECK(t.to_client() == complete("BEGIN") + ready('T'));
  });
}

// The buffer is one and the same, as the loop's is.
void stream(Talk& t, std::vector<char>& buffer, uint64_t size) {
  std::vector<char> scratch(Egress::kMinScratch);
  Egress out(scratch);
  while (size > 0) {
    const size_t n = std::min<uint64_t>(size, buffer.size());
    const Progress progress =
        from_server(t.server_view, &t.client_view, {buffer.data(), n}, out, t.limits);
    if (progress.consumed != n || progress.need != Need::none || out.size() != n ||
        out.runs().size() != 1 || out.runs()[0].iov_base != buffer.data()) {
      FAIL("a part of a large message was not passed on as it was, " << size << " bytes to go");
    }
    out.clear();
    size -= n;
  }
}

TEST_CASE("a row of a gigabyte streams through one buffer") {
  Talk t;
  t.link();
  t.client(query("select"));
  constexpr uint32_t kSize = 1u << 30;
  t.server(header('D', kSize));
  std::vector<char> buffer(64 * 1024, 'Z');
  stream(t, buffer, kSize - 4);
  CHECK(t.server_view.frame.at_boundary());
  t.server(complete("SELECT 1") + ready('I'));
  CHECK(t.needs() == "release");
}

TEST_CASE("a ParameterStatus is followed and sent on wherever it is cut") {
  every_cut([](Talk& t) {
    t.link();
    t.client(query("set timezone = 'Europe/Rome'"));
    t.to_client();
    const std::string reply = parameter("TimeZone", "Europe/Rome") + complete("SET") + ready('I');
    t.server(reply);
    CHECK(t.to_client() == reply);
    CHECK(*t.server_view.parameters->find("timezone") == "Europe/Rome");
    CHECK(t.client_view.parameters == t.server_view.parameters);
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a malformed ParameterStatus ends the conversation and changes nothing") {
  for (const std::string& bad :
       {message('S'), message('S', "TimeZone"), message('S', zero_ended("TimeZone") + "unended")}) {
    every_cut([&bad](Talk& t) {
      const ParameterSetRef before = t.server_view.parameters;
      t.link();
      t.client(query("a"));
      t.server(bad);
      CHECK(t.to_client().empty());
      CHECK(t.needs() == "fail: server sent a reply that was not asked for");
      CHECK(t.server_view.parameters == before);
    });
  }
}

TEST_CASE("a parameter of 32 KiB is followed, a longer one makes the server suspect") {
  const size_t fits = 32 * 1024 - 4 - 2 - 1;  // length word, two terminators, the name
  for (const bool too_long : {false, true}) {
    whole_and_bytewise([=](Talk& t) {
      t.link();
      t.client(query("set x = ..."));
      const std::string report = parameter("x", std::string(fits + too_long, 'v'));
      t.server(report + complete("SET") + ready('I'));
      CHECK(t.to_client() == report + complete("SET") + ready('I'));
      CHECK(t.needs() == "release");
      CHECK(t.server_view.suspect == too_long);
      CHECK((t.server_view.parameters->find("x") != nullptr) == !too_long);
    });
  }
}

TEST_CASE("a server cannot grow its parameters without end") {
  whole_and_bytewise([](Talk& t) {
    t.link();
    t.client(query("a"));
    for (int i = 0; i < 1000; ++i) t.server(parameter("name" + std::to_string(i), "v"));
    CHECK(t.server_view.parameters->values().size() <= 256);
    CHECK(t.server_view.suspect);
    t.to_client();
    t.server(parameter("TimeZone", "GMT"));
    CHECK(*t.server_view.parameters->find("TimeZone") == "GMT");
    CHECK(t.to_client() == parameter("TimeZone", "GMT"));
  });
}

TEST_CASE("a client with too many requests in flight waits for room") {
  whole_and_bytewise([](Talk& t) {
    std::string batch, replies;
    for (size_t i = 0; i < Pipeline::kMaxOwed + 100; ++i) {
      batch += i % 2 ? parse("p") : close();
      replies += i % 2 ? parse_complete() : close_complete();
    }
    t.link();
    t.client(batch + sync());
    CHECK(t.wants_room());
    CHECK(t.server_view.pipeline.full());
    t.server(replies.substr(0, 5));
    CHECK(t.wants_room());
    CHECK(t.server_view.pipeline.full());
    t.server(replies.substr(5, 5 * 200));
    CHECK(!t.wants_room());
    CHECK(t.to_server() == batch + sync());
    t.server(replies.substr(5 * 201) + ready('I'));
    CHECK(t.to_client() == replies + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a client that waits for room asks for a server again once it is released") {
  whole_and_bytewise([](Talk& t) {
    std::string batch;
    for (size_t i = 0; i < Pipeline::kMaxOwed - 1; ++i) batch += close();
    t.link();
    t.client(batch + sync() + query("next"));
    CHECK(t.wants_room());
    t.server(error("first"));
    CHECK(!t.wants_room());
    t.server(ready('I'));
    CHECK(t.needs().empty());
    t.server(complete("SELECT 1") + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("a full egress is emptied and the walk goes on") {
  whole_and_bytewise([](Talk& t) {
    // A report that was cut is copied, and then there is no room for another.
    t.link();
    t.client(query("a"));
    std::string reply;
    for (int i = 0; i < 5; ++i) reply += parameter("x", std::string(17000, 'a' + i % 26));
    t.server(reply.substr(0, 1000));
    t.server(reply.substr(1000) + ready('I'));
    CHECK(t.to_client() == reply + ready('I'));
    CHECK(t.needs() == "release");
  });
}

TEST_CASE("an egress without room stops the walk before anything is consumed") {
  Talk t;
  t.link();
  std::vector<char> scratch(Egress::kMinScratch);
  Egress out(scratch);
  const std::string bytes = query("a");
  std::vector<char> filler(2 * Egress::kMaxRuns);
  for (size_t i = 0; i + 1 < Egress::kMaxRuns; ++i) {
    REQUIRE(out.forward({filler.data() + 2 * i, 1}));
  }
  Progress progress = from_client(t.client_view, &t.server_view, bytes, out, t.limits);
  CHECK(progress.need == Need::flush);
  CHECK(progress.consumed == 0);
  CHECK(t.server_view.pipeline.empty());
  out.clear();
  progress = from_client(t.client_view, &t.server_view, bytes, out, t.limits);
  CHECK(progress.need == Need::none);
  CHECK(progress.consumed == bytes.size());
}

}  // namespace
}  // namespace remuda::session::test::conversation_limits_test
