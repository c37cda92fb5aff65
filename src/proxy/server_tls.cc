#include "proxy/server_tls.h"

#include "io/tls_handshake.h"
#include "proxy/worker.h"
#include "remuda/wire/builder.h"

namespace remuda::proxy {
namespace {

using config::TlsMode;

// Whether the server takes TLS.
io::Task<bool> ask_for_tls(io::Stream& stream) {
  std::string out;
  wire::ssl_request(out);
  stream.write(out);
  char answer = 0;
  const size_t n = co_await stream.read_some(&answer, 1);
  if (n != 1 || (answer != 'S' && answer != 'N')) throw ConnectFailure("bad sslreq answer");
  // What was sent before the handshake nobody vouches for.
  if (!stream.take_unread().empty()) {
    throw ConnectFailure("received unencrypted data after SSL response");
  }
  co_return answer == 'S';
}

}  // namespace

io::Task<void> encrypt_server(const Snapshot& snapshot, io::OffloadLimit& crypto,
                              io::Stream& stream, std::string host) {
  const std::shared_ptr<const config::Config> config = snapshot.config;
  const TlsMode mode = config->server_tls_sslmode;
  if (mode == TlsMode::disable || stream.is_unix()) co_return;
  auto context = snapshot.tls.servers;
  if (context == nullptr && mode >= TlsMode::require) {
    throw ConnectFailure("TLS is not set up: see the log");
  }
  if (context == nullptr) co_return;
  io::TlsTarget target;
  target.host = host;
  target.check_host = mode == TlsMode::verify_full;
  target.is_direct = config->server_tls_negotiation == config::TlsNegotiation::direct;
  if (!target.is_direct) {
    const bool accepted = co_await ask_for_tls(stream);
    if (!accepted && mode >= TlsMode::require) throw ConnectFailure("server refused SSL");
    if (!accepted) co_return;
  }
  co_await io::connect_tls(stream, context, target, crypto);
}

io::Task<void> encrypt_server(Worker& worker, io::Stream& stream, std::string host) {
  return encrypt_server(worker.snapshot(), worker.server_crypto, stream, std::move(host));
}

}  // namespace remuda::proxy
