// TLS as settings spell it: for remuda's ini and for libpq, with the certificates of
// certificates().
#pragma once

#include <string>

#include "support/certificates.h"
#include "support/pq.h"
#include "support/remuda_process.h"

namespace remuda::test {

// Towards clients: a certificate for localhost, and the authority for theirs.
std::string client_tls(const std::string& mode,
                       const CertificateFiles& own = certificates().server);
// Towards servers: the authority for theirs.
std::string server_tls(const std::string& mode);

// libpq over TLS to remuda, by the name localhost. `mode` verify-full checks it.
Address tls_address(const Remuda& remuda, const std::string& user = "postgres",
                    const std::string& password = "", const std::string& mode = "verify-full",
                    const CertificateFiles& own = {});
// The same over the unix socket, without TLS.
Address unix_address(const Remuda& remuda, const std::string& user = "postgres",
                     const std::string& password = "");

// Entry p0 that leads to a port of this machine by this host name or address.
std::string database_at(const std::string& host, int port, const std::string& more = "");

}  // namespace remuda::test
