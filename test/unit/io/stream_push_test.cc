// Streams whose bytes are pushed, and writing.
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>

#include "io/stream.h"
#include "support/catch.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io::stream_push_test {
namespace {

// Records what happens, and does what a test asks for when it happens.
struct Recorder final : StreamEvents {
  std::string bytes;
  int ends = 0;
  int error = -1;
  int drained = 0;
  std::function<void()> when_bytes = [] {};
  std::function<void()> when_end = [] {};
  std::function<void()> when_drained = [] {};

  void on_bytes(char* data, size_t n) noexcept override {
    bytes.append(data, n);
    when_bytes();
  }
  void on_end(int its_error) noexcept override {
    ++ends;
    error = its_error;
    when_end();
  }
  void on_drained() noexcept override {
    ++drained;
    when_drained();
  }
};

struct Fixture {
  explicit Fixture(bool is_unix = true) {
    auto pair = is_unix ? unix_pair() : tcp_pair();
    stream = std::make_unique<Stream>(Stream::adopt(loop, std::move(pair.ours)));
    theirs = std::move(pair.theirs);
  }
  // Lets everything happen that can happen now.
  void settle() { turn(loop); }
  // Writes until the kernel takes no more; returns what was written.
  std::string fill() {
    std::string all;
    const std::string piece(50'000, 'f');
    for (char mark = 'a';; ++mark) {
      std::string bytes = piece;
      bytes[0] = mark;
      all += bytes;
      if (stream->write(bytes) == WriteResult::backlog) return all;
    }
  }

  Loop loop;
  Recorder events;
  std::unique_ptr<Stream> stream;
  FileDescriptor theirs;
};

Task<std::string> pulls(Stream& stream, size_t most) {
  std::string buffer(most, '\0');
  const size_t n = co_await stream.read_some(buffer.data(), buffer.size());
  co_return buffer.substr(0, n);
}

}  // namespace

TEST_CASE("bytes are pushed, then the end, once", "[stream]") {
  for (const bool is_unix : {true, false}) {
    Fixture f(is_unix);
    f.stream->start(f.events);
    send_all(f.theirs, "one");
    run_until(f.loop, [&] { return f.events.bytes == "one"; });
    const std::string large(300'000, 'z');
    f.events.bytes.clear();
    for (size_t at = 0; at < large.size(); at += 50'000) {
      send_all(f.theirs, large.substr(at, 50'000));
      run_until(f.loop, [&] { return f.events.bytes.size() == at + 50'000; });
    }
    CHECK(f.events.bytes == large);
    f.theirs.close();
    run_until(f.loop, [&] { return f.events.ends > 0; });
    f.settle();
    CHECK(f.events.ends == 1);
    CHECK(f.events.error == 0);
  }
}

TEST_CASE("a reset is pushed as an end", "[stream]") {
  Fixture f(false);
  f.stream->start(f.events);
  reset_on_close(f.theirs);
  f.theirs.close();
  run_until(f.loop, [&] { return f.events.ends == 1; });
  CHECK(f.events.error == ECONNRESET);
}

TEST_CASE("bytes read ahead are pushed when the stream starts", "[stream]") {
  Fixture f;
  send_all(f.theirs, "pulled, pushed");
  CHECK(finish(f.loop, pulls(*f.stream, 6)) == "pulled");
  f.stream->start(f.events);
  CHECK(f.events.bytes == ", pushed");
  send_all(f.theirs, " and more");
  run_until(f.loop, [&] { return f.events.bytes == ", pushed and more"; });
}

TEST_CASE("bytes taken before the start are not pushed", "[stream]") {
  Fixture f;
  send_all(f.theirs, "pulled, pushed");
  CHECK(finish(f.loop, pulls(*f.stream, 6)) == "pulled");
  CHECK(f.stream->take_unread() == ", pushed");
  f.stream->start(f.events);
  f.settle();
  CHECK(f.events.bytes.empty());
}

TEST_CASE("an end seen while pulling is pushed when the stream starts", "[stream]") {
  Fixture f;
  send_all(f.theirs, "last words");
  f.theirs.close();
  CHECK(finish(f.loop, pulls(*f.stream, 4)) == "last");
  f.settle();
  CHECK(!f.stream->has_ended());  // some of it is still to be pulled
  f.stream->start(f.events);
  CHECK(f.events.bytes == " words");
  CHECK(f.events.ends == 1);
  f.settle();
  CHECK(f.events.ends == 1);
}

TEST_CASE("a stream may die while its start delivers", "[stream]") {
  Fixture f;
  send_all(f.theirs, "ab");
  f.theirs.close();
  CHECK(finish(f.loop, pulls(*f.stream, 1)) == "a");
  f.settle();
  f.events.when_bytes = [&] { f.stream.reset(); };
  f.stream->start(f.events);
  CHECK(f.events.bytes == "b");
  CHECK(f.events.ends == 0);
}

TEST_CASE("a paused stream pushes nothing until it is resumed", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  f.stream->pause_reading();
  CHECK(f.stream->is_paused());
  send_all(f.theirs, "held");
  f.settle();
  CHECK(f.events.bytes.empty());
  f.stream->resume_reading();
  run_until(f.loop, [&] { return f.events.bytes == "held"; });
  f.events.when_bytes = [&] { f.stream->pause_reading(); };
  send_all(f.theirs, std::string(150'000, 'x'));
  run_until(f.loop, [&] { return f.events.bytes.size() > 4; });
  const size_t first = f.events.bytes.size();
  CHECK(first <= 4 + Loop::kReadBuffer);
  f.theirs.close();
  f.settle();
  CHECK(f.events.bytes.size() == first);
  CHECK(f.events.ends == 0);
  f.events.when_bytes = [] {};
  f.stream->resume_reading();
  run_until(f.loop, [&] { return f.events.ends == 1; });
  CHECK(f.events.bytes.size() == 150'004);
}

TEST_CASE("pausing and resuming before bytes arrive changes nothing", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  for (int i = 0; i < 10; ++i) {
    f.stream->pause_reading();
    f.stream->resume_reading();
  }
  send_all(f.theirs, "x");
  run_until(f.loop, [&] { return f.events.bytes == "x"; });
}

TEST_CASE("a stream may be destroyed in any of its callbacks", "[stream]") {
  SECTION("on_bytes") {
    Fixture f;
    f.stream->start(f.events);
    f.events.when_bytes = [&] { f.stream.reset(); };
    send_all(f.theirs, std::string(150'000, 'x'));
    run_until(f.loop, [&] { return !f.stream; });
    f.settle();
    CHECK(f.events.bytes.size() <= Loop::kReadBuffer);
    CHECK(f.events.ends == 0);
  }
  SECTION("on_end") {
    Fixture f;
    f.stream->start(f.events);
    f.events.when_end = [&] { f.stream.reset(); };
    f.theirs.close();
    run_until(f.loop, [&] { return !f.stream; });
    CHECK(f.events.ends == 1);
  }
  SECTION("on_drained") {
    Fixture f;
    f.stream->start(f.events);
    f.events.when_drained = [&] { f.stream.reset(); };
    f.fill();
    run_until(f.loop, [&] {
      receive_now(f.theirs);
      return !f.stream;
    });
    CHECK(f.events.drained == 1);
  }
}

TEST_CASE("a stream moved in its callback goes on", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  Stream moved;
  f.events.when_bytes = [&] {
    if (f.stream) moved = std::move(*f.stream);
    f.stream.reset();
  };
  send_all(f.theirs, std::string(100'000, 'x'));
  run_until(f.loop, [&] { return f.events.bytes.size() == 100'000; });
}

TEST_CASE("small writes go out at once, gathered", "[stream]") {
  for (const bool is_unix : {true, false}) {
    Fixture f(is_unix);
    f.stream->start(f.events);
    CHECK(f.stream->write("hello ") == WriteResult::done);
    char a[] = "gathered";
    char b[] = " world";
    const uv_buf_t runs[] = {uv_buf_init(a, 8), uv_buf_init(b, 0), uv_buf_init(b, 6)};
    CHECK(f.stream->write(runs, 3) == WriteResult::done);
    CHECK(f.stream->write(runs, 0) == WriteResult::done);
    CHECK(f.stream->write("") == WriteResult::done);
    CHECK(f.stream->backlog() == 0);
    CHECK(receive_now(f.theirs) == "hello gathered world");
  }
}

TEST_CASE("a write of more runs than one call takes", "[stream]") {
  Fixture f;
  std::string all;
  std::vector<uv_buf_t> runs;
  for (int i = 0; i < 5000; ++i) all += std::to_string(i % 10);
  for (char& c : all) runs.push_back(uv_buf_init(&c, 1));
  CHECK(f.stream->write(runs.data(), runs.size()) == WriteResult::done);
  CHECK(receive_now(f.theirs) == all);
}

TEST_CASE("what the kernel does not take is kept and sent in order", "[stream]") {
  for (const bool is_unix : {true, false}) {
    Fixture f(is_unix);
    f.stream->start(f.events);
    std::string sent = f.fill();
    CHECK(f.stream->backlog() > 0);
    char tail[] = "in the backlog";
    const uv_buf_t runs[] = {uv_buf_init(tail, 6), uv_buf_init(tail + 6, 8)};
    CHECK(f.stream->write(runs, 2) == WriteResult::backlog);
    const std::string large(400'000, 'L');
    CHECK(f.stream->write(large) == WriteResult::backlog);
    sent += tail + large;
    CHECK(f.loop.blocks().in_use() > 0);
    std::string received;
    run_until(f.loop, [&] {
      received += receive_now(f.theirs);
      return f.events.drained == 1;
    });
    received += receive_now(f.theirs);
    CHECK(received == sent);
    CHECK(f.stream->backlog() == 0);
    CHECK(f.loop.blocks().in_use() == 0);
    CHECK(f.stream->write("again") == WriteResult::done);
    CHECK(receive_now(f.theirs) == "again");
    CHECK(f.events.drained == 1);
  }
}

TEST_CASE("a stream is read while it has a backlog", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  f.fill();
  send_all(f.theirs, "meanwhile");
  run_until(f.loop, [&] { return f.events.bytes == "meanwhile"; });
  CHECK(f.stream->backlog() > 0);
}

TEST_CASE("a task waits until the backlog is gone", "[stream]") {
  Fixture f;
  CHECK(f.stream->drained().is_done());
  f.fill();
  auto task = f.stream->drained();
  f.settle();
  CHECK(!task.is_done());
  run_until(f.loop, [&] {
    receive_now(f.theirs);
    return task.is_done();
  });
  task.await_resume();
}

TEST_CASE("waiting for the backlog can be interrupted, and ends with the stream", "[stream]") {
  Fixture f;
  f.fill();
  auto first = f.stream->drained();
  f.stream->interrupt(std::make_exception_ptr(TimedOut("slow peer")));
  CHECK_THROWS_WITH(finish(f.loop, std::move(first)), "slow peer");
  auto second = f.stream->drained();
  f.stream->close();
  CHECK_THROWS_AS(finish(f.loop, std::move(second)), Closed);
  CHECK_THROWS_AS(finish(f.loop, f.stream->drained()), Closed);
}

TEST_CASE("a peer that goes breaks the backlog", "[stream]") {
  SECTION("while reading, the end comes after the peer's last bytes") {
    Fixture f;
    f.stream->start(f.events);
    f.fill();
    send_all(f.theirs, "goodbye");
    f.theirs.close();
    run_until(f.loop, [&] { return f.events.ends == 1; });
    CHECK(f.events.bytes == "goodbye");
    CHECK(f.stream->write("x") == WriteResult::broken);
  }
  SECTION("while paused, writing tells of it") {
    Fixture f;
    f.stream->start(f.events);
    f.stream->pause_reading();
    f.fill();
    f.theirs.close();
    run_until(f.loop, [&] { return f.events.ends == 1; });
    CHECK(f.events.error != 0);
    CHECK(f.events.drained == 0);
    CHECK(f.loop.blocks().in_use() == 0);
  }
  SECTION("a task that waits is told") {
    Fixture f;
    f.fill();
    auto task = f.stream->drained();
    f.theirs.close();
    CHECK_THROWS_AS(finish(f.loop, std::move(task)), Closed);
  }
}

TEST_CASE("writing to a peer that has gone is broken, not fatal", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  f.theirs.close();
  CHECK(f.stream->write("x") == WriteResult::broken);
  CHECK(f.stream->write("x") == WriteResult::broken);
  run_until(f.loop, [&] { return f.events.ends == 1; });
}

TEST_CASE("closing drops the backlog and all events", "[stream]") {
  Fixture f;
  f.stream->start(f.events);
  f.fill();
  send_all(f.theirs, "unseen");
  f.stream->close();
  f.settle();
  CHECK(f.events.bytes.empty());
  CHECK(f.events.ends == 0);
  CHECK(f.events.drained == 0);
  CHECK(f.loop.blocks().in_use() == 0);
}

TEST_CASE("flushing on close sends the backlog first", "[stream]") {
  for (const bool is_unix : {true, false}) {
    Fixture f(is_unix);
    f.stream->start(f.events);
    const std::string sent = f.fill();
    f.stream->flush_and_close();
    CHECK(!f.stream->is_open());
    f.stream.reset();
    std::string received;
    bool ended = false;
    run_until(f.loop, [&] {
      received += receive_now(f.theirs, &ended);
      return ended;
    });
    CHECK(received == sent);
    CHECK(f.events.drained == 0);
  }
}

TEST_CASE("the last words reach a TCP peer that is still sending", "[stream]") {
  Fixture f(false);
  send_all(f.theirs, std::string(10'000, 'q'));
  CHECK(finish(f.loop, pulls(*f.stream, 1)) == "q");
  send_all(f.theirs, std::string(10'000, 'q'));
  CHECK(f.stream->write("error") == WriteResult::done);
  f.stream->flush_and_close();
  f.settle();
  bool ended = false;
  CHECK(receive_now(f.theirs, &ended) == "error");
  CHECK(ended);
}

TEST_CASE("a loop that ends drops what is still being flushed", "[stream]") {
  FileDescriptor theirs;
  {
    Fixture f;
    f.fill();
    f.stream->flush_and_close();
    theirs = std::move(f.theirs);
  }
  bool ended = false;
  CHECK(receive_now(theirs, &ended).size() > 0);
  CHECK(ended);
}

TEST_CASE("pushed streams hand over without losing bytes", "[stream][parcel]") {
  Fixture f;
  f.stream->start(f.events);
  send_all(f.theirs, "first");
  run_until(f.loop, [&] { return f.events.bytes == "first"; });
  f.stream->pause_reading();
  send_all(f.theirs, "second");
  f.settle();
  Parcel parcel = std::move(*f.stream).detach();
  Loop other;
  Stream moved = Stream::adopt(other, std::move(parcel));
  Recorder events;
  moved.start(events);
  run_until(other, [&] { return events.bytes == "second"; });
  f.settle();
  CHECK(f.events.ends == 0);
}

}  // namespace remuda::io::stream_push_test
