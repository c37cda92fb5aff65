// Streams that are pulled by tasks, and what every stream can do. Pushed ones: stream_push_test.cc.
#include "io/stream.h"

#include <fcntl.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/deadline.h"
#include "support/catch.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io::stream_test {
namespace {

Task<std::string> reads(Stream& stream, size_t most) {
  std::string buffer(most, '\0');
  const size_t n = co_await stream.read_some(buffer.data(), buffer.size());
  buffer.resize(n);
  co_return buffer;
}

Task<std::string> reads_to_end(Stream& stream) {
  std::string all;
  try {
    for (;;) {
      auto more = co_await reads(stream, 1000);
      all += more;
    }
  } catch (const Closed& error) {
    all += std::string("|") + error.what();
  }
  co_return all;
}

Task<std::string> reads_within(Loop& loop, Stream& stream, Micros time) {
  const Deadline deadline(loop, time, stream, "too slow");
  co_return co_await reads(stream, 100);
}

}  // namespace

TEST_CASE("an idle stream is small", "[stream]") {
  CHECK(sizeof(Stream) == 56);
  CHECK(sizeof(uv_pipe_t) == 264);
}

TEST_CASE("a task pulls bytes", "[stream]") {
  Loop loop;
  for (const bool is_unix : {true, false}) {
    auto pair = is_unix ? unix_pair() : tcp_pair();
    Stream stream = Stream::adopt(loop, std::move(pair.ours));
    CHECK(stream.is_unix() == is_unix);
    auto early = reads(stream, 100);
    CHECK(!early.is_done());
    send_all(pair.theirs, "hello");
    CHECK(finish(loop, std::move(early)) == "hello");
    send_all(pair.theirs, "0123456789");
    CHECK(finish(loop, reads(stream, 4)) == "0123");
    auto rest = reads(stream, 100);
    CHECK(rest.is_done());  // was read ahead
    CHECK(finish(loop, std::move(rest)) == "456789");
  }
}

TEST_CASE("the end is told after all bytes", "[stream]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  const std::string sent(5000, 'x');
  send_all(pair.theirs, sent);
  pair.theirs.close();
  CHECK(!stream.has_ended());
  CHECK(finish(loop, reads_to_end(stream)) == sent + "|unexpected eof");
  CHECK(stream.has_ended());
  CHECK_THROWS_AS(finish(loop, reads(stream, 10)), Closed);
}

TEST_CASE("a reset is an end too", "[stream]") {
  Loop loop;
  auto pair = tcp_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  auto task = reads(stream, 10);
  reset_on_close(pair.theirs);
  pair.theirs.close();
  CHECK_THROWS_AS(finish(loop, std::move(task)), Closed);
}

TEST_CASE("a pulled stream reads ahead only so far", "[stream]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  const std::string all(100'000, 'y');
  CHECK(finish(loop, [&] {
          send_all(pair.theirs, all.substr(0, 1));
          return reads(stream, 1);
        }()) == "y");
  send_all(pair.theirs, all);
  turn(loop);
  CHECK(stream.take_unread().size() == Stream::kReadAhead);
  size_t more = Stream::kReadAhead;
  while (more < all.size()) more += finish(loop, reads(stream, 7000)).size();
  CHECK(more == all.size());
}

TEST_CASE("a deadline interrupts a read, and the stream lives on", "[stream][deadline]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  CHECK_THROWS_WITH(finish(loop, reads_within(loop, stream, kMillisecond)), "too slow");
  send_all(pair.theirs, "late");
  CHECK(finish(loop, reads_within(loop, stream, kSecond)) == "late");
}

TEST_CASE("an interrupt while nobody reads is thrown by the next read", "[stream]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  stream.interrupt(std::make_exception_ptr(TimedOut("before")));
  CHECK_THROWS_WITH(finish(loop, reads(stream, 10)), "before");
  send_all(pair.theirs, "after");
  CHECK(finish(loop, reads(stream, 10)) == "after");
}

TEST_CASE("closing or destroying a stream ends the read that waits", "[stream]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  auto task = reads(stream, 10);
  stream.close();
  stream.close();
  CHECK(!stream.is_open());
  CHECK_THROWS_AS(finish(loop, std::move(task)), Closed);
  CHECK_THROWS_AS(finish(loop, reads(stream, 10)), Closed);
  CHECK(stream.write("x") == WriteResult::broken);

  auto other = unix_pair();
  auto owned = std::make_unique<Stream>(Stream::adopt(loop, std::move(other.ours)));
  auto second = reads(*owned, 10);
  owned.reset();
  CHECK_THROWS_AS(finish(loop, std::move(second)), Closed);
  bool ended = false;
  CHECK(receive_now(other.theirs, &ended).empty());
  CHECK(ended);
}

TEST_CASE("a stream moves with what it has read ahead", "[stream]") {
  Loop loop;
  auto pair = unix_pair();
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  send_all(pair.theirs, "abcdef");
  CHECK(finish(loop, reads(stream, 2)) == "ab");
  Stream moved = std::move(stream);
  CHECK(!stream.is_open());  // NOLINT: what is left of a moved stream is defined
  CHECK(finish(loop, reads(moved, 2)) == "cd");
  std::vector<Stream> many;
  many.push_back(std::move(moved));
  send_all(pair.theirs, "gh");
  CHECK(finish(loop, reads(many[0], 2)) == "ef");
  CHECK(finish(loop, reads(many[0], 10)) == "gh");
}

TEST_CASE("taking over what is no socket fails", "[stream]") {
  Loop loop;
  CHECK_THROWS_AS(Stream::adopt(loop, FileDescriptor(::open("/dev/null", O_RDWR))), SystemError);
  CHECK_THROWS_AS(Stream::adopt(loop, FileDescriptor()), SystemError);
}

TEST_CASE("a parcel carries a connection to another loop on another thread", "[stream][parcel]") {
  for (const bool is_unix : {true, false}) {
    auto pair = is_unix ? unix_pair() : tcp_pair();
    Parcel parcel;
    {
      Loop first;
      Stream stream = Stream::adopt(first, std::move(pair.ours));
      send_all(pair.theirs, "read here, not here");
      CHECK(finish(first, reads(stream, 9)) == "read here");
      parcel = std::move(stream).detach();
      CHECK(!stream.is_open());  // NOLINT
      CHECK(parcel.unread == ", not here");
      CHECK(parcel.is_unix == is_unix);
      CHECK((::fcntl(parcel.fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    send_all(pair.theirs, "; later");
    std::string seen;
    std::thread([&] {
      Loop second;
      Stream stream = Stream::adopt(second, std::move(parcel));
      seen = finish(second, reads(stream, 10));
      seen += finish(second, reads(stream, 100));
      stream.write("answer");
    }).join();
    CHECK(seen == ", not here; later");
    bool ended = false;
    CHECK(receive_now(pair.theirs, &ended) == "answer");
    CHECK(ended);
  }
}

TEST_CASE("a parcel that is dropped closes its connection", "[parcel]") {
  auto pair = unix_pair();
  {
    Loop loop;
    Stream stream = Stream::adopt(loop, std::move(pair.ours));
    Parcel parcel = std::move(stream).detach();
    turn(loop);
    bool ended = false;
    receive_now(pair.theirs, &ended);
    CHECK(!ended);
  }
  bool ended = false;
  receive_now(pair.theirs, &ended);
  CHECK(ended);
}

}  // namespace remuda::io::stream_test
