// TLS for tests: our sessions and streams on one side, a TlsEnd on the other.
#pragma once

#include <poll.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/stream.h"
#include "io/tls_context.h"
#include "io/tls_session.h"
#include "support/certificates.h"
#include "support/tls_end.h"
#include "unit/io/run_until.h"
#include "unit/io/sockets.h"

namespace remuda::io {

inline TlsOptions accepting_options() {
  TlsOptions options;
  options.cert_file = test::certificates().server.cert;
  options.key_file = test::certificates().server.key;
  return options;
}

inline std::shared_ptr<const TlsContext> accepting() {
  static const auto context = TlsContext::for_accepting(accepting_options());
  return context;
}

// Checks nothing.
inline std::shared_ptr<const TlsContext> connecting() {
  static const auto context = TlsContext::for_connecting(TlsOptions());
  return context;
}

inline test::TlsChoices peer_choices(int version = TLS1_3_VERSION) {
  test::TlsChoices choices;
  choices.version = version;
  return choices;
}

inline test::TlsChoices server_choices(int version = TLS1_3_VERSION) {
  test::TlsChoices choices = peer_choices(version);
  choices.certificate = test::certificates().server;
  return choices;
}

// Bytes that show what is missing, doubled or out of place.
inline std::string pattern(size_t size, size_t from = 0) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    const size_t at = from + i;
    bytes[i] = static_cast<char>(at ^ (at >> 8) ^ (at >> 16));
  }
  return bytes;
}

// The loop's buffer for encrypted bytes.
struct SealedRoom {
  std::vector<char> room = std::vector<char>(64 * 1024);
  SealedBytes bytes{room.data(), 0, room.size()};

  std::string take() {
    std::string all(bytes.data, bytes.size);
    bytes.size = 0;
    return all;
  }
};

// Lets both ends talk until both are through, or ours has failed: its alert is then still in it. A
// failure of theirs is thrown.
inline TlsSession::Step shake(TlsSession& ours, test::TlsEnd& theirs) {
  using Step = TlsSession::Step;
  bool peer_done = theirs.handshake();
  ours.feed(theirs.take_output());
  Step step = Step::wants_input;
  for (int i = 0; i < 10; ++i) {
    if (step != Step::done) step = ours.handshake();
    if (step == Step::failed) break;
    const std::string out = ours.take_output();
    if (step == Step::done && peer_done && out.empty()) break;
    if (peer_done) {
      std::string none;
      theirs.open(out, none);
    } else {
      peer_done = theirs.handshake(out);
    }
    ours.feed(theirs.take_output());
  }
  return step;
}

// The other end of a stream's socket. It never blocks: pump() does what can be done now.
class TlsPeer {
 public:
  TlsPeer(FileDescriptor fd, test::TlsEnd::Role role, const test::TlsChoices& choices)
      : fd_(std::move(fd)), end_(role, choices) {}

  void pump(bool reads = true) {
    while (!outgoing.empty()) {
      const ssize_t n =
          ::send(fd_.get(), outgoing.data(), outgoing.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n <= 0) break;
      outgoing.erase(0, static_cast<size_t>(n));
    }
    if (!reads) return;
    const std::string arrived = receive_now(fd_, &ended);
    raw += arrived;
    if (shaken && !arrived.empty() && !end_.open(arrived, clear)) goodbye = true;
  }
  void say(std::string_view text) { outgoing += end_.seal(text); }

  test::TlsEnd& end() { return end_; }
  FileDescriptor& fd() { return fd_; }

  std::string outgoing;  // not yet sent
  std::string raw;       // all that arrived
  std::string clear;     // of that, decrypted
  bool shaken = false;   // the handshake is over
  bool goodbye = false;  // we were told goodbye
  bool ended = false;    // end of the stream

 private:
  FileDescriptor fd_;
  test::TlsEnd end_;
};

// A secured stream and its peer.
struct SecuredPair {
  explicit SecuredPair(int version = TLS1_3_VERSION, bool accepts = true, bool is_unix = false,
                       const std::string& first = "") {
    auto pair = is_unix ? unix_pair() : tcp_pair();
    stream = std::make_unique<Stream>(Stream::adopt(loop, std::move(pair.ours)));
    using Role = test::TlsEnd::Role;
    peer = std::make_unique<TlsPeer>(std::move(pair.theirs), accepts ? Role::client : Role::server,
                                     accepts ? peer_choices(version) : server_choices(version));
    TlsTarget target;
    target.host = "localhost";
    auto session = accepts ? std::make_unique<TlsSession>(accepting())
                           : std::make_unique<TlsSession>(connecting(), target);
    if (shake(*session, peer->end()) != TlsSession::Step::done) throw TlsError(session->fault());
    peer->shaken = true;
    session->feed(first.empty() ? first : peer->end().seal(first));
    stream->secure(std::move(session));
  }
  // Until it holds, the peer reading and sending.
  void until(const std::function<bool()>& holds) {
    run_until(loop, [&] {
      peer->pump();
      return holds();
    });
  }

  Loop loop;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<TlsPeer> peer;
};

}  // namespace remuda::io
