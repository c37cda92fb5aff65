// TLS does not act yet: a configuration that insists on it must not run in clear text. Pure.
#pragma once

#include "config/config.h"
#include "remuda/base/error.h"

namespace remuda::daemon {

// Throws PgError when a side requires encryption.
inline void require_no_tls(const config::Config& config) {
  if (config.client_tls_sslmode >= config::TlsMode::require) {
    throw PgError(std::string("client_tls_sslmode = ") + config::to_text(config.client_tls_sslmode) +
                  " needs TLS, which is not supported yet: clients would talk in clear text");
  }
  if (config.server_tls_sslmode >= config::TlsMode::require) {
    throw PgError(std::string("server_tls_sslmode = ") + config::to_text(config.server_tls_sslmode) +
                  " needs TLS, which is not supported yet: servers would be talked to in clear text");
  }
}

}  // namespace remuda::daemon
