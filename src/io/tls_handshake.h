// TLS handshakes: from a pulled plain stream to a secured one. The cryptography runs on the thread
// pool, flight by flight and within the limit, so that a storm of them delays nobody else.
#pragma once

#include <memory>
#include <string>

#include "io/offload.h"
#include "io/stream.h"
#include "io/task.h"
#include "io/tls_session.h"

namespace remuda::io {

// The peer has asked for it: by a request that was answered, or at once. `first` is what has been
// read of its side already. Throws TlsError; Closed and what interrupts the stream.
Task<void> accept_tls(Stream& stream, std::shared_ptr<const TlsContext> context, std::string first,
                      OffloadLimit& limit);

// Towards a server that expects it. Throws the same.
Task<void> connect_tls(Stream& stream, std::shared_ptr<const TlsContext> context, TlsTarget target,
                       OffloadLimit& limit);

}  // namespace remuda::io
