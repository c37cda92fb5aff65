#include "io/tls_handshake.h"

#include <condition_variable>
#include <mutex>

#include "io/deadline.h"
#include "support/catch.h"
#include "unit/io/tls_fixture.h"

namespace remuda::io::tls_handshake_test {

using remuda::test::certificates;
using remuda::test::TlsChoices;
using remuda::test::TlsEnd;
using remuda::test::TlsFailure;

namespace {

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

// A stream in plain text and a peer that is to shake hands with it.
struct Meeting {
  explicit Meeting(bool accepts = true, const TlsChoices& choices = peer_choices())
      : limit(loop, 2) {
    auto pair = tcp_pair();
    stream = std::make_unique<Stream>(Stream::adopt(loop, std::move(pair.ours)));
    peer = std::make_unique<TlsPeer>(
        std::move(pair.theirs), accepts ? TlsEnd::Role::client : TlsEnd::Role::server, choices);
  }
  Task<void> accept(std::shared_ptr<const TlsContext> context = accepting(),
                    std::string first = "") {
    return accept_tls(*stream, std::move(context), std::move(first), limit);
  }
  Task<void> connect(std::shared_ptr<const TlsContext> context = connecting()) {
    TlsTarget target;
    target.host = "localhost";
    return connect_tls(*stream, std::move(context), target, limit);
  }
  // The peer's part, as far as it goes now, sent in pieces of at most `piece` bytes.
  void answer(size_t piece = SIZE_MAX) {
    const std::string arrived = receive_now(peer->fd(), &peer->ended);
    if (!arrived.empty() || !begun) {
      begun = true;
      if (peer->shaken) {
        peer->end().open(arrived, peer->clear);
      } else {
        peer->shaken = peer->end().handshake(arrived);
      }
      peer->outgoing += peer->end().take_output();
    }
    std::string now = peer->outgoing.substr(0, piece);
    if (now.empty()) return;
    send_all(peer->fd(), now);
    peer->outgoing.erase(0, now.size());
  }
  void finish(Task<void>& task, size_t piece = SIZE_MAX) {
    run_until(loop, [&] {
      answer(piece);
      return task.is_done();
    });
    task.await_resume();
  }

  Loop loop;
  OffloadLimit limit;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<TlsPeer> peer;
  bool begun = false;
};

Task<std::string> pulls(Stream& stream, size_t most) {
  std::string buffer(most, '\0');
  const size_t n = co_await stream.read_some(buffer.data(), buffer.size());
  co_return buffer.substr(0, n);
}

// Both directions work.
void talk(Meeting& m) {
  m.peer->say("asked");
  m.peer->pump();
  CHECK(finish(m.loop, pulls(*m.stream, 100)) == "asked");
  CHECK(m.stream->write("answered") == WriteResult::done);
  run_until(m.loop, [&] {
    m.peer->pump();
    return m.peer->clear == "answered";
  });
}

// While it is closed the pool gets to nothing else.
class PoolGate {
 public:
  explicit PoolGate(Loop& loop) {
    for (int i = 0; i < 64; ++i) held_.push_back(hold(loop));
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  bool is_passed() const {
    for (const auto& task : held_) {
      if (!task.is_done()) return false;
    }
    return true;
  }

 private:
  Task<void> hold(Loop& loop) {
    auto work = [this] {
      std::unique_lock lock(mutex_);
      opened_.wait(lock, [this] { return open_; });
    };
    co_await offload(loop, work);
  }

  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  std::vector<Task<void>> held_;
};

TlsOptions strict_options() {
  TlsOptions options = accepting_options();
  options.ca_file = certificates().authority.file();
  options.peer_check = PeerCheck::required;
  return options;
}

}  // namespace

TEST_CASE("hands are shaken from either side", "[tls]") {
  for (const int version : kVersions) {
    for (const bool accepts : {true, false}) {
      Meeting m(accepts, accepts ? peer_choices(version) : server_choices(version));
      auto task = accepts ? m.accept() : m.connect();
      m.finish(task);
      run_until(m.loop, [&] {
        m.answer();
        return m.peer->shaken;
      });
      REQUIRE(m.stream->tls() != nullptr);
      CHECK(m.limit.running() == 0);
      talk(m);
    }
  }
}

TEST_CASE("what was read of a hello before counts", "[tls]") {
  for (const size_t before : {1, 5, 100}) {
    Meeting m;
    m.peer->end().handshake();
    const std::string hello = m.peer->end().take_output();
    m.begun = true;
    auto task = m.accept(accepting(), hello.substr(0, before));
    send_all(m.peer->fd(), hello.substr(before));
    m.finish(task);
    talk(m);
  }
}

TEST_CASE("a handshake that comes in drops ends well", "[tls]") {
  for (const int version : kVersions) {
    for (const size_t piece : {1, 3, 50, 1000}) {
      Meeting m(true, peer_choices(version));
      auto task = m.accept();
      m.finish(task, piece);
      talk(m);
    }
  }
  Meeting m(false, server_choices());
  auto task = m.connect();
  m.finish(task, 7);
  talk(m);
}

TEST_CASE("a server with a long chain of certificates", "[tls]") {
  // Longer than one read of the handshake, so that records are cut by our own reads.
  const remuda::test::TempDir dir;
  const remuda::test::Authority authority(dir.path(), "authority");
  auto files = authority.issue("server", {"localhost"});
  std::string chain = remuda::test::read_file(files.cert);
  for (int i = 0; i < 20; ++i) chain += remuda::test::read_file(authority.file());
  remuda::test::write_file(files.cert, chain);
  for (const int version : kVersions) {
    TlsChoices choices = server_choices(version);
    choices.certificate = files;
    Meeting m(false, choices);
    auto task = m.connect();
    m.finish(task);
    run_until(m.loop, [&] {
      m.answer();
      return m.peer->shaken;
    });
    talk(m);
  }
}

TEST_CASE("data in one segment with Finished is not lost", "[tls]") {
  for (const size_t size : {1, 3000, 20'000, 100'000}) {
    Meeting m;
    auto task = m.accept();
    const std::string text = pattern(size);
    run_until(m.loop, [&] {
      m.answer(0);
      if (m.peer->shaken) return true;
      m.peer->pump(false);
      return false;
    });
    m.peer->say(text);
    std::string received;
    run_until(m.loop, [&] {
      m.peer->pump(false);
      return task.is_done();
    });
    task.await_resume();
    while (received.size() < size) {
      auto more = pulls(*m.stream, 9000);
      run_until(m.loop, [&] {
        m.peer->pump(false);
        return more.is_done();
      });
      received += more.await_resume();
    }
    CHECK(received == text);
  }
}

TEST_CASE("a peer that hangs up during the handshake", "[tls]") {
  Meeting m;
  auto task = m.accept();
  m.answer(50);
  m.peer->fd().close();
  CHECK_THROWS_AS(finish(m.loop, std::move(task)), Closed);
  CHECK(m.stream->tls() == nullptr);
}

TEST_CASE("a handshake is ended by a deadline", "[tls]") {
  Meeting m;
  const Deadline deadline(m.loop, 20 * kMillisecond, *m.stream, "client_login_timeout");
  auto task = m.accept();
  m.answer(50);  // and no more
  CHECK_THROWS_WITH(finish(m.loop, std::move(task)), "client_login_timeout");
}

TEST_CASE("a deadline that passes while the pool works strikes at the next wait", "[tls]") {
  Meeting m;
  PoolGate gate(m.loop);
  auto task = m.accept();
  m.answer();
  run_until(m.loop, [&] { return m.limit.running() == 1; });
  m.stream->interrupt(std::make_exception_ptr(TimedOut("too late")));
  gate.open();
  run_until(m.loop, [&] { return gate.is_passed() && task.is_done(); });
  CHECK_THROWS_WITH(task.await_resume(), "too late");
}

TEST_CASE("a stream that closes while the pool works ends the handshake", "[tls]") {
  Meeting m;
  PoolGate gate(m.loop);
  auto task = m.accept();
  m.answer();
  run_until(m.loop, [&] { return m.limit.running() == 1; });
  m.stream->close();
  gate.open();
  run_until(m.loop, [&] { return gate.is_passed() && task.is_done(); });
  CHECK_THROWS_AS(task.await_resume(), Closed);
  CHECK(m.limit.running() == 0);
}

TEST_CASE("a handshake that waits for its place may find the stream closed", "[tls]") {
  Meeting m;
  // Nobody else gets in until these places are given back.
  auto first = m.limit.enter();
  auto second = m.limit.enter();
  auto task = m.accept();
  m.answer();
  run_until(m.loop, [&] { return m.limit.queued() == 1; });
  m.stream->close();
  m.limit.leave();
  CHECK_THROWS_AS(finish(m.loop, std::move(task)), Closed);
  m.limit.leave();
  CHECK(m.limit.running() == 0);
}

TEST_CASE("what is no TLS ends the handshake with an alert", "[tls]") {
  for (const std::string garbage : {"GET / HTTP/1.1\r\n\r\n", "Q", "\x16\x03\x01\xff\xff___"}) {
    Meeting m;
    m.begun = true;
    auto task = m.accept();
    send_all(m.peer->fd(), garbage);
    if (garbage == "Q") m.peer->fd().close();
    try {
      finish(m.loop, std::move(task));
      FAIL("it was accepted");
    } catch (const TlsError& error) {
      CHECK_THAT(error.what(), Catch::StartsWith("TLS handshake failed: "));
    } catch (const Closed&) {
      CHECK(garbage == "Q");
    }
  }
}

TEST_CASE("a client that is refused reads the alert", "[tls]") {
  for (const int version : kVersions) {
    TlsChoices choices = peer_choices(version);
    choices.certificate = certificates().foreign_user;
    Meeting m(true, choices);
    auto task = m.accept(TlsContext::for_accepting(strict_options()));
    std::string alert;
    run_until(m.loop, [&] {
      try {
        m.answer();
      } catch (const TlsFailure& failure) {
        alert = failure.what();
      }
      if (task.is_done() && m.stream->is_open()) m.stream->flush_and_close();
      return task.is_done() && !alert.empty();
    });
    CHECK_THROWS_WITH(task.await_resume(), Catch::Contains("certificate verify failed"));
    CHECK_THAT(alert, Catch::Contains("alert unknown ca"));
  }
}

// With TLS 1.3 we are through before the server has looked at our certificate.
TEST_CASE("a server that refuses us later says why", "[tls]") {
  TlsChoices choices = server_choices();
  choices.ca_file = certificates().authority.file();
  Meeting m(false, choices);
  auto task = m.connect();
  run_until(m.loop, [&] {
    try {
      m.answer();
    } catch (const TlsFailure&) {
      send_all(m.peer->fd(), m.peer->end().take_output());
    }
    return task.is_done();
  });
  task.await_resume();
  auto read = pulls(*m.stream, 1);
  run_until(m.loop, [&] {
    try {
      m.answer();
    } catch (const TlsFailure&) {
      send_all(m.peer->fd(), m.peer->end().take_output());
    }
    return read.is_done();
  });
  CHECK_THROWS_WITH(read.await_resume(), "TLS: tlsv13 alert certificate required");
}

TEST_CASE("a server that cannot be trusted is told so, and not talked to", "[tls]") {
  TlsOptions options;
  options.ca_file = certificates().other_authority.file();
  options.peer_check = PeerCheck::required;
  Meeting m(false, server_choices());
  auto task = m.connect(TlsContext::for_connecting(options));
  std::string alert;
  run_until(m.loop, [&] {
    try {
      m.answer();
    } catch (const TlsFailure& failure) {
      alert = failure.what();
    }
    return task.is_done() && !alert.empty();
  });
  CHECK_THROWS_AS(task.await_resume(), TlsError);
  CHECK_THAT(alert, Catch::Contains("alert unknown ca"));
  CHECK(m.stream->tls() == nullptr);
}

TEST_CASE("an endless handshake ends", "[tls]") {
  SECTION("of many records, each a step of its own") {
    Meeting m;
    m.begun = true;
    auto task = m.accept();
    // A hello of 60000 bytes that comes byte by byte.
    std::string record("\x16\x03\x01\x00\x04\x01\x00\xea\x60", 9);
    int sent = 0;
    run_until(m.loop, [&] {
      if (!task.is_done() && m.limit.running() == 0) {
        send_all(m.peer->fd(), record);
        record = std::string("\x16\x03\x01\x00\x01\x03", 6);
        ++sent;
      }
      return task.is_done();
    });
    CHECK_THROWS_AS(task.await_resume(), TlsError);
    CHECK(sent < 1000);
  }
  SECTION("of many bytes") {
    Meeting m;
    m.begun = true;
    auto task = m.accept();
    std::string record("\x16\x03\x01\x40\x00\x01\x00\xff\xff", 9);
    record += std::string(16'380, '\x03');
    m.peer->outgoing = record;
    for (int i = 0; i < 40; ++i) m.peer->outgoing += "\x16\x03\x01\x40" + std::string(16'385, '\0');
    run_until(m.loop, [&] {
      m.peer->pump(false);
      return task.is_done();
    });
    CHECK_THROWS_AS(task.await_resume(), TlsError);
  }
}

TEST_CASE("many handshakes at once keep to the limit", "[tls]") {
  Loop loop;
  OffloadLimit limit(loop, 2);
  struct One {
    std::unique_ptr<Stream> stream;
    std::unique_ptr<TlsPeer> peer;
  };
  std::vector<One> all;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 20; ++i) {
    auto pair = tcp_pair();
    One one;
    one.stream = std::make_unique<Stream>(Stream::adopt(loop, std::move(pair.ours)));
    one.peer =
        std::make_unique<TlsPeer>(std::move(pair.theirs), TlsEnd::Role::client, peer_choices());
    one.peer->end().handshake();
    one.peer->outgoing = one.peer->end().take_output();
    one.peer->pump(false);
    tasks.push_back(accept_tls(*one.stream, accepting(), "", limit));
    all.push_back(std::move(one));
  }
  run_until(loop, [&] {
    CHECK(limit.running() <= 2);
    bool done = true;
    for (size_t i = 0; i < all.size(); ++i) {
      TlsPeer& peer = *all[i].peer;
      if (!peer.shaken) {
        const std::string arrived = receive_now(peer.fd());
        if (!arrived.empty()) peer.shaken = peer.end().handshake(arrived);
        peer.outgoing += peer.end().take_output();
        peer.pump(false);
      }
      done = done && tasks[i].is_done();
    }
    return done;
  });
  for (auto& task : tasks) task.await_resume();
  CHECK(limit.running() == 0);
  CHECK(limit.queued() == 0);
}

}  // namespace remuda::io::tls_handshake_test
