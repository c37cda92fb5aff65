#include "proxy/first_packet.h"

#include "io/tls_handshake.h"
#include "proxy/worker.h"
#include "remuda/base/error.h"

namespace remuda::proxy {
namespace {

constexpr int kMostRequests = 4;  // for SSL and GSS, before the start-up packet

io::Task<void> read_more(LoginAttempt& login) {
  char buffer[2048];
  const size_t n = co_await login.stream.read_some(buffer, sizeof buffer);
  login.inbox.append(buffer, n);
}

bool offers_tls(const LoginAttempt& login) {
  return login.snapshot.tls.clients != nullptr && !login.stream.is_unix();
}

io::Task<void> begin_tls(LoginAttempt& login, std::string first) {
  auto context = login.snapshot.tls.clients;
  login.in_handshake = true;
  co_await io::accept_tls(login.stream, context, first, login.worker.crypto);
  login.in_handshake = false;
}

// A client may begin TLS without asking.
io::Task<void> take_direct_tls(LoginAttempt& login) {
  if (login.inbox.empty()) co_await read_more(login);
  if (!wire::is_tls_hello(login.inbox) || !offers_tls(login)) co_return;
  std::string first = std::move(login.inbox);
  login.inbox.clear();
  co_await begin_tls(login, first);
}

io::Task<wire::StartupPacket> next_packet(LoginAttempt& login) {
  while (true) {
    wire::StartupParse parse = wire::parse_startup(login.inbox);
    if (parse.status == wire::StartupParse::Status::malformed) throw PgError(parse.error);
    if (parse.status == wire::StartupParse::Status::packet) {
      login.inbox.erase(0, parse.consumed);
      co_return std::move(parse.packet);
    }
    co_await read_more(login);
  }
}

// Whatever lies behind a request was not protected by what is being asked for: somebody in between
// may have put it there.
void refuse_smuggled_bytes(const LoginAttempt& login, const char* request) {
  if (login.inbox.empty()) return;
  throw PgError(std::string("received unencrypted data after ") + request + " request");
}

io::Task<void> answer_ssl_request(LoginAttempt& login) {
  refuse_smuggled_bytes(login, "SSL");
  if (login.stream.tls() != nullptr) throw Closed("SSL request inside TLS");
  if (!offers_tls(login)) {
    login.stream.write("N");
    co_return;
  }
  login.in_handshake = true;
  login.stream.write("S");
  std::string nothing;
  co_await begin_tls(login, nothing);
}

}  // namespace

io::Task<wire::StartupPacket> first_packet(LoginAttempt& login) {
  co_await take_direct_tls(login);
  for (int i = 0; i < kMostRequests; ++i) {
    wire::StartupPacket packet = co_await next_packet(login);
    if (std::holds_alternative<wire::SslRequest>(packet)) {
      co_await answer_ssl_request(login);
    } else if (std::holds_alternative<wire::GssencRequest>(packet)) {
      refuse_smuggled_bytes(login, "GSSAPI encryption");
      login.stream.write("N");
    } else {
      co_return packet;
    }
  }
  throw PgError("too many encryption requests");
}

}  // namespace remuda::proxy
