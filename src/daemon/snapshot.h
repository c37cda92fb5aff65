// From a loaded configuration to what the workers get: with it go the files that other layers read
// (TLS, rules of access). Control thread.
#pragma once

#include "config/load.h"
#include "proxy/shared.h"

namespace remuda::daemon {

// Throws PgError when TLS cannot be set up; problems that are no reason to stop are logged.
proxy::Snapshot make_snapshot(const config::Loaded& loaded);

// After SET: one setting differs from `running`. What cannot be set up anew stays as it was, and
// that is logged: a certificate and its key can only be set one after the other.
proxy::Snapshot changed_snapshot(const proxy::Snapshot& running,
                                 std::shared_ptr<const config::Config> config);

}  // namespace remuda::daemon
