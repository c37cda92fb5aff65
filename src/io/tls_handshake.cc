#include "io/tls_handshake.h"

#include "io/loop.h"

namespace remuda::io {
namespace {

// A peer that sends this much without getting through the handshake is not getting through it.
constexpr size_t kMostInput = 256 * 1024;
// Nor is one that cuts its side into this many pieces, each of which has the pool work.
constexpr int kMostSteps = 100;

using Step = TlsSession::Step;

void send(Stream& stream, TlsSession& session) {
  const std::string out = session.take_output();
  if (!out.empty()) stream.write(out);
}

// Offloaded: the session is the task's alone, so the stream may even close meanwhile.
Task<Step> one_flight(Stream& stream, TlsSession& session, OffloadLimit& limit) {
  if (!stream.is_open()) throw Closed("connection is closed");
  auto work = [&session] { return session.handshake(); };
  const Step step = co_await offload(stream.loop(), work, &limit);
  if (!stream.is_open()) throw Closed("connection is closed");
  send(stream, session);
  co_return step;
}

Task<void> await_flight(Stream& stream, TlsSession& session, size_t& taken) {
  char buffer[4096];
  while (!session.can_step()) {
    const size_t n = co_await stream.read_some(buffer, sizeof buffer);
    session.feed(std::string_view(buffer, n));
    taken += n;
    if (taken > kMostInput) throw TlsError("the peer sends too much");
  }
}

Task<void> shake_hands(Stream& stream, std::unique_ptr<TlsSession> session, bool begins,
                       OffloadLimit& limit) {
  size_t taken = 0;
  for (int steps = 0;; ++steps) {
    if (steps == kMostSteps) throw TlsError("the peer takes too many steps");
    if (!begins) co_await await_flight(stream, *session, taken);
    begins = false;
    const Step step = co_await one_flight(stream, *session, limit);
    if (step == Step::failed) throw TlsError(session->fault());
    if (step == Step::done) break;
  }
  stream.secure(std::move(session));
}

}  // namespace

Task<void> accept_tls(Stream& stream, std::shared_ptr<const TlsContext> context, std::string first,
                      OffloadLimit& limit) {
  auto session = std::make_unique<TlsSession>(std::move(context));
  session->feed(first);
  co_await shake_hands(stream, std::move(session), false, limit);
}

Task<void> connect_tls(Stream& stream, std::shared_ptr<const TlsContext> context, TlsTarget target,
                       OffloadLimit& limit) {
  auto session = std::make_unique<TlsSession>(std::move(context), target);
  co_await shake_hands(stream, std::move(session), true, limit);
}

}  // namespace remuda::io
