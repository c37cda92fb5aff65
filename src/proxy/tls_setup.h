// TLS as the configuration wants it, for both sides. Made by the control thread; the contexts are
// then shared by all.
#pragma once

#include <memory>

#include "config/config.h"
#include "io/tls_context.h"

namespace remuda::proxy {

// Null: that side has no TLS.
struct TlsContexts {
  std::shared_ptr<const io::TlsContext> clients;
  std::shared_ptr<const io::TlsContext> servers;
};

// Reads the files. Throws PgError "TLS setup failed: ...".
TlsContexts make_tls_contexts(const config::Config& config);

// Whether everything that TLS towards clients (servers) is made of is spelled the same.
bool same_client_tls(const config::Config& a, const config::Config& b);
bool same_server_tls(const config::Config& a, const config::Config& b);

}  // namespace remuda::proxy
