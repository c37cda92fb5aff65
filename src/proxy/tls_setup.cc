#include "proxy/tls_setup.h"

#include <tuple>

#include "remuda/base/error.h"

namespace remuda::proxy {
namespace {

using config::TlsMode;

io::TlsOptions client_options(const config::Config& config) {
  io::TlsOptions options;
  options.cert_file = config.client_tls_cert_file;
  options.key_file = config.client_tls_key_file;
  options.ca_file = config.client_tls_ca_file;
  options.protocols = config.client_tls_protocols;
  options.ciphers = config.client_tls_ciphers;
  options.tls13_ciphers = config.client_tls13_ciphers.value_or("");
  options.curve = config.client_tls_ecdhcurve;
  options.dheparams = config.client_tls_dheparams;
  // Without authorities of our own nothing is asked for: a certificate that a client happens to
  // have is not to keep it out.
  const bool asks = !config.client_tls_ca_file.empty();
  options.peer_check = asks ? io::PeerCheck::if_given : io::PeerCheck::none;
  if (config.client_tls_sslmode >= TlsMode::verify_ca) {
    options.peer_check = io::PeerCheck::required;
  }
  return options;
}

io::TlsOptions server_options(const config::Config& config) {
  io::TlsOptions options;
  options.cert_file = config.server_tls_cert_file;
  options.key_file = config.server_tls_key_file;
  options.ca_file = config.server_tls_ca_file;
  options.protocols = config.server_tls_protocols;
  options.ciphers = config.server_tls_ciphers;
  options.tls13_ciphers = config.server_tls13_ciphers.value_or("");
  options.peer_check = config.server_tls_sslmode >= TlsMode::verify_ca ? io::PeerCheck::required
                                                                       : io::PeerCheck::none;
  return options;
}

auto client_settings(const config::Config& config) {
  return std::tie(
      config.client_tls_sslmode, config.client_tls_cert_file, config.client_tls_key_file,
      config.client_tls_ca_file, config.client_tls_protocols, config.client_tls_ciphers,
      config.client_tls13_ciphers, config.client_tls_ecdhcurve, config.client_tls_dheparams);
}

auto server_settings(const config::Config& config) {
  return std::tie(config.server_tls_sslmode, config.server_tls_cert_file,
                  config.server_tls_key_file, config.server_tls_ca_file,
                  config.server_tls_protocols, config.server_tls_ciphers,
                  config.server_tls13_ciphers, config.server_tls_negotiation);
}

}  // namespace

TlsContexts make_tls_contexts(const config::Config& config) {
  TlsContexts contexts;
  try {
    if (config.client_tls_sslmode != TlsMode::disable) {
      contexts.clients = io::TlsContext::for_accepting(client_options(config));
    }
  } catch (const PgError& error) {
    throw PgError(std::string("TLS setup failed: client_tls: ") + error.what());
  }
  try {
    if (config.server_tls_sslmode != TlsMode::disable) {
      contexts.servers = io::TlsContext::for_connecting(server_options(config));
    }
  } catch (const PgError& error) {
    throw PgError(std::string("TLS setup failed: server_tls: ") + error.what());
  }
  return contexts;
}

bool same_client_tls(const config::Config& a, const config::Config& b) {
  return client_settings(a) == client_settings(b);
}

bool same_server_tls(const config::Config& a, const config::Config& b) {
  return server_settings(a) == server_settings(b);
}

}  // namespace remuda::proxy
