#include "remuda/wire/frame.h"

#include <string>
#include <utility>
#include <vector>

#include "cuts.h"
#include "remuda/base/error.h"
#include "support/catch.h"

namespace remuda::wire::frame_test {
namespace {

using test::all_cuts;
using test::bytes_of;
using Seen = std::vector<std::pair<char, std::string>>;

void drain(FrameBuffer& buffer, Seen& seen) {
  while (const auto message = buffer.next()) seen.emplace_back(message->type, message->body);
}

std::string fault_of(ByteView bytes, size_t max_message) {
  FrameBuffer buffer(max_message);
  buffer.append(bytes);
  try {
    buffer.next();
  } catch (const PgError& error) {
    CHECK(error.sqlstate().view() == "08P01");
    return error.what();
  }
  return "";
}

TEST_CASE("a header counts its own length but not its type") {
  Header header;
  REQUIRE(parse_header("Q\0\0\0\5", header));
  CHECK(header.type == 'Q');
  CHECK(header.length == 5);
  CHECK(header.body_size() == 1);
  CHECK(header.message_size() == 6);
}

TEST_CASE("a header whose length does not cover itself is malformed") {
  Header header;
  CHECK_FALSE(parse_header("Q\0\0\0\3", header));
  CHECK_FALSE(parse_header("Q\0\0\0\0", header));
  CHECK(parse_header("Q\0\0\0\4", header));
}

TEST_CASE("a length beyond 2 GB is a large number, not a negative one") {
  Header header;
  REQUIRE(parse_header("Q\xff\xff\xff\xff", header));
  CHECK(header.message_size() == 0x100000000u);
}

TEST_CASE("messages come out the same however they were cut") {
  const std::string stream =
      bytes_of("R\0\0\0\x08\0\0\0\0") + bytes_of("1\0\0\0\4") + bytes_of("Z\0\0\0\5I");
  const Seen wanted{{'R', std::string(4, '\0')}, {'1', ""}, {'Z', "I"}};
  for (const auto& pieces : all_cuts(stream)) {
    FrameBuffer buffer(64);
    Seen seen;
    for (const ByteView piece : pieces) {
      buffer.append(piece);
      drain(buffer, seen);
    }
    CHECK(seen == wanted);
    CHECK(buffer.pending() == 0);
  }
}

TEST_CASE("what no message was made of can be taken away") {
  FrameBuffer buffer(64);
  buffer.append(bytes_of("Z\0\0\0\5IQ\0\0\0\x09sel"));
  REQUIRE(buffer.next()->type == 'Z');
  CHECK_FALSE(buffer.next());
  CHECK(buffer.take_rest() == bytes_of("Q\0\0\0\x09sel"));
  CHECK(buffer.pending() == 0);
  CHECK_FALSE(buffer.next());
}

TEST_CASE("whole messages not asked for are part of the rest") {
  FrameBuffer buffer(64);
  buffer.append(
      bytes_of("1\0\0\0\4"
               "2\0\0\0\4"));
  CHECK(buffer.next()->type == '1');
  CHECK(buffer.take_rest() == bytes_of("2\0\0\0\4"));
}

TEST_CASE("a message may be as long as the bound and not longer") {
  const std::string message = bytes_of(
      "p\0\0\0\x07"
      "abc");
  CHECK(fault_of(message, 8).empty());
  CHECK(fault_of(message, 7) == "bad packet header: '7000000007616263'");
}

TEST_CASE("a huge declared length fails at the header, whose bytes are told") {
  CHECK(fault_of(bytes_of("p\x7f\xff\xff\xff"), 1000) == "bad packet header: '707fffffff'");
  CHECK(fault_of(bytes_of("p\xff\xff\xff\xff"), 1000) == "bad packet header: '70ffffffff'");
  CHECK(fault_of(bytes_of("p\0\0\0\3"), 1000) == "bad packet header: '7000000003'");
}

TEST_CASE("a peer that has proved itself may be given a larger bound") {
  FrameBuffer buffer(8);
  buffer.append(
      bytes_of("p\0\0\0\x09"
               "12345"));
  buffer.set_max_message(16);
  CHECK(buffer.next()->body == "12345");
}

}  // namespace
}  // namespace remuda::wire::frame_test
