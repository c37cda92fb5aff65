// Streams behind TLS: the same promises as in plain text.
#include <sys/ioctl.h>

#include <functional>

#include "support/catch.h"
#include "unit/io/tls_fixture.h"
#include "unit/session/allocations.h"

namespace remuda::io::stream_tls_test {

using remuda::test::TlsEnd;

namespace {

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

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

Task<std::string> pulls(Stream& stream, size_t most) {
  std::string buffer(most, '\0');
  const size_t n = co_await stream.read_some(buffer.data(), buffer.size());
  co_return buffer.substr(0, n);
}

Task<std::string> pulls_all(Stream& stream, size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string part = co_await pulls(stream, 5000);
    all += part;
  }
  co_return all;
}

// A record with `text`, and the goodbye behind it.
std::string last_words(TlsEnd& end, std::string_view text) {
  std::string bytes = end.seal(text);
  bytes += end.close_notify();
  return bytes;
}

// Most bytes, encrypted, that one of these whole records has.
size_t longest_record(std::string_view records) {
  size_t longest = 0;
  while (records.size() >= 5) {
    const size_t size =
        static_cast<unsigned char>(records[3]) * 256U + static_cast<unsigned char>(records[4]);
    longest = std::max(longest, size);
    records.remove_prefix(std::min(records.size(), 5 + size));
  }
  return longest;
}

// Writes, the peer not reading, until the kernel takes no more; returns what was written.
std::string fill(Stream& stream) {
  std::string all;
  while (true) {
    const std::string piece = pattern(50'000, all.size());
    all += piece;
    if (stream.write(piece) == WriteResult::backlog) return all;
  }
}

}  // namespace

TEST_CASE("a peer that talks on behind its Finished does not overrun the read-ahead",
          "[stream][tls]") {
  auto pair = unix_pair();
  // More waits in the kernel than all buffers hold.
  const int room = 400'000;
  REQUIRE(::setsockopt(pair.theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
  Loop loop;
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  TlsPeer peer(std::move(pair.theirs), TlsEnd::Role::client, peer_choices());
  auto session = std::make_unique<TlsSession>(accepting());
  REQUIRE(shake(*session, peer.end()) == TlsSession::Step::done);
  peer.shaken = true;
  const std::string sent = pattern(400'000);
  const std::string sealed = peer.end().seal(sent, 500);
  // As much as a handshake may leave in the session, and as much as is read ahead meanwhile.
  session->feed(sealed.substr(0, 12'000));
  send_all(peer.fd(), sealed.substr(12'000, 1));
  REQUIRE(finish(loop, pulls(stream, 1)) == sealed.substr(12'000, 1));
  session->feed(sealed.substr(12'000, 1));
  send_all(peer.fd(), sealed.substr(12'001, Stream::kReadAhead - 1));
  turn(loop);
  stream.secure(std::move(session));
  peer.outgoing = sealed.substr(12'000 + Stream::kReadAhead);
  peer.pump();
  const auto waiting = [&] {
    int bytes = 0;
    REQUIRE(::ioctl(stream.fd(), FIONREAD, &bytes) == 0);
    return bytes;
  };
  const int before = waiting();
  CHECK(before > 200'000);
  turn(loop);
  CHECK(waiting() == before);  // there is enough to pull
  auto task = pulls_all(stream, sent.size());
  run_until(loop, [&] {
    peer.pump();
    return task.is_done();
  });
  CHECK(task.await_resume() == sent);
}

TEST_CASE("bytes of every size arrive, both ways", "[stream][tls]") {
  for (const int version : kVersions) {
    for (const bool accepts : {true, false}) {
      for (const bool is_unix : {true, false}) {
        SecuredPair p(version, accepts, is_unix);
        Recorder events;
        p.stream->start(events);
        size_t total = 0;
        for (const size_t size : {0, 1, 16383, 16384, 16385, 65535, 65536, 1 << 20}) {
          const std::string text = pattern(size, total);
          total += size;
          events.bytes.clear();
          p.peer->say(text);
          p.until([&] { return events.bytes.size() >= size; });
          CHECK(events.bytes == text);
          p.peer->clear.clear();
          p.stream->write(text);
          p.until([&] { return p.peer->clear.size() >= size; });
          CHECK(p.peer->clear == text);
        }
        CHECK(events.ends == 0);
        CHECK(p.stream->backlog() == 0);
        CHECK(p.loop.blocks().in_use() == 0);
      }
    }
  }
}

TEST_CASE("many runs of one write become few records", "[stream][tls]") {
  for (const size_t run : {1, 7, 1000, 5000, 16384, 20'000, 70'000}) {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    std::string text = pattern(200'000);
    std::vector<uv_buf_t> runs;
    size_t size = 0;
    for (size_t i = 0; size < text.size(); ++i) {
      const size_t n = i % 5 == 3 ? 0 : std::min(i % 3 == 1 ? 11 : run, text.size() - size);
      runs.push_back(uv_buf_init(text.data() + size, static_cast<unsigned>(n)));
      size += n;
    }
    p.stream->write(runs.data(), runs.size());
    p.until([&] { return p.peer->clear.size() >= text.size(); });
    CHECK(p.peer->clear == text);
    CHECK(p.peer->raw.size() < text.size() + text.size() / 50);
    CHECK(longest_record(p.peer->raw) < TlsSession::kSentSize + 256);
  }
}

TEST_CASE("records come in drops", "[stream][tls]") {
  for (const int version : kVersions) {
    SecuredPair p(version);
    Recorder events;
    p.stream->start(events);
    const std::string record = p.peer->end().seal("drop by drop");
    for (size_t i = 0; i < record.size(); ++i) {
      CHECK(events.bytes.empty());
      send_all(p.peer->fd(), record.substr(i, 1));
      if (i % 5 == 0) turn(p.loop, 3);
    }
    p.until([&] { return events.bytes == "drop by drop"; });
  }
}

TEST_CASE("pulled bytes behind TLS", "[stream][tls]") {
  SecuredPair p;
  const std::string text = pattern(300'000);
  p.peer->say(text);
  auto task = pulls_all(*p.stream, text.size());
  p.until([&] { return task.is_done(); });
  CHECK(task.await_resume() == text);
  p.peer->say("pulled, pushed");
  auto first = pulls(*p.stream, 6);
  p.until([&] { return first.is_done(); });
  CHECK(first.await_resume() == "pulled");
  Recorder events;
  p.stream->start(events);
  CHECK(events.bytes == ", pushed");
  p.stream->stop_pushing();
  p.peer->say("pulled again");
  auto again = pulls(*p.stream, 100);
  p.until([&] { return again.is_done(); });
  CHECK(again.await_resume() == "pulled again");
}

TEST_CASE("what came with the end of the handshake is there at once", "[stream][tls]") {
  SecuredPair p(TLS1_3_VERSION, true, false, "in a hurry");
  Recorder events;
  p.stream->start(events);  // nothing more comes by the socket
  CHECK(events.bytes == "in a hurry");
}

TEST_CASE("what was read ahead before counts as encrypted", "[stream][tls]") {
  auto pair = tcp_pair();
  Loop loop;
  Stream stream = Stream::adopt(loop, std::move(pair.ours));
  TlsPeer peer(std::move(pair.theirs), TlsEnd::Role::client, peer_choices());
  auto session = std::make_unique<TlsSession>(accepting());
  REQUIRE(shake(*session, peer.end()) == TlsSession::Step::done);
  send_all(peer.fd(), "x" + last_words(peer.end(), "secret"));
  CHECK(finish(loop, pulls(stream, 1)) == "x");
  turn(loop);
  stream.secure(std::move(session));
  CHECK(finish(loop, pulls(stream, 100)) == "secret");
  CHECK_THROWS_WITH(finish(loop, pulls(stream, 1)), "unexpected eof");
}

TEST_CASE("a paused stream decrypts nothing, and loses nothing", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  p.stream->pause_reading();
  p.peer->say("held");
  p.peer->pump();
  turn(p.loop);
  CHECK(events.bytes.empty());
  p.stream->resume_reading();
  p.until([&] { return events.bytes == "held"; });
  // Paused in the middle of many records: those already taken come, no others.
  events.bytes.clear();
  events.when_bytes = [&] { p.stream->pause_reading(); };
  const std::string text = pattern(150'000);
  p.peer->say(text);
  p.until([&] { return !events.bytes.empty(); });
  const size_t first = events.bytes.size();
  CHECK(first <= Loop::kReadBuffer);
  p.peer->outgoing += p.peer->end().close_notify();
  turn(p.loop);
  CHECK(events.bytes.size() == first);
  CHECK(events.ends == 0);
  events.when_bytes = [] {};
  p.stream->resume_reading();
  p.until([&] { return events.ends == 1; });
  CHECK(events.bytes == text);
  CHECK(events.error == 0);
}

TEST_CASE("a pause in the callback of the last record holds back the goodbye", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  events.when_bytes = [&] { p.stream->pause_reading(); };
  send_all(p.peer->fd(), last_words(p.peer->end(), "last"));
  p.until([&] { return events.bytes == "last"; });
  turn(p.loop);
  CHECK(events.ends == 0);
  p.stream->resume_reading();
  p.until([&] { return events.ends == 1; });
  CHECK(events.error == 0);
}

TEST_CASE("slow readers of both kinds get everything in order", "[stream][tls]") {
  for (const bool is_unix : {true, false}) {
    SecuredPair p(TLS1_3_VERSION, true, is_unix);
    Recorder events;
    p.stream->start(events);
    std::string sent = fill(*p.stream);
    CHECK(p.stream->backlog() > 0);
    const std::string large = pattern(400'000, 7);
    CHECK(p.stream->write(large) == WriteResult::backlog);
    sent += large;
    p.peer->say("meanwhile");  // is still heard
    run_until(p.loop, [&] {
      p.peer->pump(false);
      return events.bytes == "meanwhile";
    });
    p.until([&] { return events.drained == 1 && p.peer->clear.size() >= sent.size(); });
    CHECK(p.peer->clear == sent);
    CHECK(p.loop.blocks().in_use() == 0);
    // The other way: we are the slow one.
    events.bytes.clear();
    const std::string reply = pattern(3'000'000);
    p.peer->say(reply);
    int reads = 0;
    events.when_bytes = [&] {
      if (++reads % 3 == 0) p.stream->pause_reading();
    };
    p.until([&] {
      if (p.stream->is_paused()) p.stream->resume_reading();
      return events.bytes.size() >= reply.size();
    });
    CHECK(events.bytes == reply);
  }
}

TEST_CASE("a stream behind TLS may be destroyed in any of its callbacks", "[stream][tls]") {
  SECTION("on_bytes") {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    events.when_bytes = [&] { p.stream.reset(); };
    p.peer->say(pattern(150'000));
    p.until([&] { return !p.stream && p.peer->goodbye; });
    CHECK(events.ends == 0);
  }
  SECTION("on_bytes, with the goodbye behind") {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    events.when_bytes = [&] { p.stream->flush_and_close(); };
    send_all(p.peer->fd(), last_words(p.peer->end(), "x"));
    p.until([&] { return !p.stream->is_open(); });
    turn(p.loop);
    CHECK(events.ends == 0);
  }
  SECTION("on_end") {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    events.when_end = [&] { p.stream.reset(); };
    send_all(p.peer->fd(), p.peer->end().close_notify());
    p.until([&] { return !p.stream; });
    CHECK(events.ends == 1);
  }
  SECTION("on_drained") {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    events.when_drained = [&] { p.stream.reset(); };
    fill(*p.stream);
    p.until([&] { return !p.stream; });
    CHECK(events.drained == 1);
  }
}

TEST_CASE("a stream behind TLS goes on where it is moved to", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  Stream moved;
  events.when_bytes = [&] {
    if (p.stream) moved = std::move(*p.stream);
    p.stream.reset();
  };
  const std::string text = pattern(100'000);
  p.peer->say(text);
  p.until([&] { return events.bytes.size() == text.size(); });
  CHECK(events.bytes == text);
  CHECK(moved.tls() != nullptr);
  moved.write("from there");
  p.until([&] { return p.peer->clear == "from there"; });
}

TEST_CASE("a connection changes loops in the middle of a record", "[stream][tls][parcel]") {
  SecuredPair p;
  const std::string text = pattern(90'000);
  const std::string sealed = p.peer->end().seal(text, 3000);
  const size_t cut = 10'000;
  send_all(p.peer->fd(), sealed.substr(0, cut));
  CHECK(finish(p.loop, pulls(*p.stream, 100)) == text.substr(0, 100));
  turn(p.loop);
  Parcel parcel = std::move(*p.stream).detach();
  CHECK(!p.stream->is_open());
  CHECK(parcel.tls != nullptr);
  CHECK(parcel.unread.size() > 3000);
  send_all(p.peer->fd(), sealed.substr(cut));
  Loop other;
  Stream moved = Stream::adopt(other, std::move(parcel));
  Recorder events;
  moved.start(events);
  run_until(other, [&] { return events.bytes.size() >= text.size() - 100; });
  CHECK(events.bytes == text.substr(100));
  moved.write("here");
  run_until(other, [&] {
    p.peer->pump();
    return p.peer->clear == "here";
  });
  // Pushed and paused, with bytes still in the kernel.
  moved.pause_reading();
  p.peer->say("second move");
  p.peer->pump();
  Loop third;
  Stream again = Stream::adopt(third, std::move(moved).detach());
  CHECK(finish(third, pulls(again, 100)) == "second move");
  p.peer->pump();
  CHECK(!p.peer->goodbye);  // a move is no end
}

TEST_CASE("an end behind TLS: with goodbye, without, and spoilt", "[stream][tls]") {
  for (const int version : kVersions) {
    for (const bool pulled : {false, true}) {
      for (const std::string how : {"goodbye", "close", "garbage", "tampered", "plain alert"}) {
        SecuredPair p(version);
        Recorder events;
        if (!pulled) p.stream->start(events);
        std::string last = p.peer->end().seal("last words");
        if (how == "goodbye") last += p.peer->end().close_notify();
        if (how == "garbage") last += "this is no record at all";
        if (how == "plain alert") last += std::string("\x15\x03\x03\x00\x02\x01\x00", 7);
        if (how == "tampered") {
          last += p.peer->end().seal("spoilt");
          last.back() = static_cast<char>(last.back() ^ 1);
        }
        send_all(p.peer->fd(), last);
        if (how == "close") p.peer->fd().close();
        const bool failed = how != "goodbye" && how != "close";
        if (pulled) {
          CHECK(finish(p.loop, pulls(*p.stream, 100)) == "last words");
          if (failed) {
            CHECK_THROWS_WITH(finish(p.loop, pulls(*p.stream, 1)), Catch::Contains("TLS: "));
          } else {
            CHECK_THROWS_WITH(finish(p.loop, pulls(*p.stream, 1)), "unexpected eof");
          }
          CHECK(p.stream->has_ended());
        } else {
          run_until(p.loop, [&] { return events.ends == 1; });
          CHECK(events.bytes == "last words");
          CHECK(events.error == (failed ? EPROTO : 0));
        }
        // A peer that did it wrong is told before we hang up.
        p.stream->close();
        if (failed) {
          CHECK_THROWS_WITH(p.until([&] { return p.peer->ended; }), Catch::Contains("alert"));
        } else if (how == "goodbye") {
          p.until([&] { return p.peer->ended; });
          CHECK(p.peer->goodbye);
        }
      }
    }
  }
}

TEST_CASE("a peer that floods behind its goodbye fills nothing", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  send_all(p.peer->fd(), p.peer->end().close_notify() + std::string(200'000, 'x'));
  p.until([&] { return events.ends == 1; });
  CHECK(events.bytes.empty());
  CHECK(events.error == 0);
}

// Their bytes never run out: that must not keep a dead connection.
TEST_CASE("a peer that never stops sending comes to its end", "[stream][tls]") {
  for (const bool fails : {false, true}) {
    for (const bool pulled : {false, true}) {
      SecuredPair p;
      Recorder events;
      if (!pulled) p.stream->start(events);
      p.peer->outgoing = fails ? "garbage" : p.peer->end().close_notify();
      run_until(p.loop, [&] {
        if (p.peer->outgoing.size() < 500'000) p.peer->outgoing += std::string(500'000, 'x');
        p.peer->pump(false);
        return events.ends == 1 || p.stream->has_ended();
      });
      if (!pulled) CHECK(events.error == (fails ? EPROTO : 0));
    }
  }
}

TEST_CASE("closing says goodbye, also behind a backlog", "[stream][tls]") {
  SECTION("nothing to wait for") {
    SecuredPair p;
    p.stream->write("bye");
    p.stream->close();
    p.until([&] { return p.peer->ended; });
    CHECK(p.peer->clear == "bye");
    CHECK(p.peer->goodbye);
  }
  SECTION("a peer that is still sending") {
    SecuredPair p;
    Recorder events;
    p.stream->start(events);
    p.stream->pause_reading();
    send_all(p.peer->fd(), p.peer->end().seal(pattern(10'000)));
    CHECK(p.stream->write("error") == WriteResult::done);
    p.stream->flush_and_close();
    p.until([&] { return p.peer->ended; });
    CHECK(p.peer->clear == "error");
    CHECK(p.peer->goodbye);
  }
  SECTION("a backlog") {
    for (const bool is_unix : {true, false}) {
      SecuredPair p(TLS1_3_VERSION, true, is_unix);
      const std::string sent = fill(*p.stream);
      p.stream->flush_and_close();
      CHECK(!p.stream->is_open());
      p.stream.reset();
      p.until([&] { return p.peer->ended; });
      CHECK(p.peer->clear == sent);
      CHECK(p.peer->goodbye);
    }
  }
  SECTION("a backlog that is dropped") {
    SecuredPair p;
    fill(*p.stream);
    p.stream->close();
    p.until([&] { return p.peer->ended; });
    CHECK(!p.peer->goodbye);  // it has not heard all
  }
}

TEST_CASE("keys are renewed while data flows", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  std::string sent;
  for (int i = 0; i < 10; ++i) {
    p.peer->outgoing += p.peer->end().key_update();
    const std::string text = pattern(20'000, sent.size());
    sent += text;
    p.peer->say(text);
    p.stream->write(text);
    p.until(
        [&] { return events.bytes.size() >= sent.size() && p.peer->clear.size() >= sent.size(); });
  }
  CHECK(events.bytes == sent);
  CHECK(p.peer->clear == sent);
}

TEST_CASE("a peer that asks for new keys and reads no answer is dropped", "[stream][tls]") {
  SecuredPair p;
  Recorder events;
  p.stream->start(events);
  fill(*p.stream);
  size_t most = 0;
  for (int i = 0; i < 100'000 && events.ends == 0; ++i) {
    while (p.peer->outgoing.size() < 500) p.peer->outgoing += p.peer->end().key_update();
    // Few at a time: many at once are refused for that.
    std::string rest = p.peer->outgoing.substr(200);
    p.peer->outgoing.resize(200);
    p.peer->pump(false);
    p.peer->outgoing += rest;
    turn(p.loop, 3);
    most = std::max(most, p.stream->backlog());
  }
  CHECK(events.ends == 1);
  CHECK(events.error == EPROTO);
  CHECK(most < 1'000'000);
}

TEST_CASE("a message behind TLS allocates nothing", "[stream][tls]") {
  using remuda::session::test::allocations;
  struct Counter final : StreamEvents {
    Stream* stream = nullptr;
    size_t bytes = 0;
    void on_bytes(char* data, size_t n) noexcept override {
      bytes += n;
      stream->write(std::string_view(data, n));
    }
    void on_end(int) noexcept override {}
    void on_drained() noexcept override {}
  };
  SecuredPair p;
  Counter events;
  events.stream = p.stream.get();
  p.stream->start(events);
  const std::string text = pattern(5000);
  std::vector<std::string> records;
  for (int i = 0; i < 60; ++i) records.push_back(p.peer->end().seal(text));
  Timer tick(p.loop);
  tick.repeat(kMillisecond, [&] { p.loop.stop(); });
  char answer[64 * 1024];
  uint64_t before = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i == 10) before = allocations();  // warm
    send_all(p.peer->fd(), records[i]);
    for (int turns = 0; turns < 10'000 && events.bytes < (i + 1) * text.size(); ++turns)
      p.loop.run();
    (void)::recv(p.peer->fd().get(), answer, sizeof answer, MSG_DONTWAIT);
  }
  CHECK(allocations() == before);
  CHECK(events.bytes == records.size() * text.size());
}

}  // namespace remuda::io::stream_tls_test
