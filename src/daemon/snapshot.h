// From a loaded configuration to what the workers get: with it go the files that other layers read
// (TLS, rules of access). Control thread.
#pragma once

#include "config/load.h"
#include "proxy/shared.h"

namespace remuda::daemon {

// Throws PgError when TLS, or access, cannot be set up; what is no reason to stop is logged.
proxy::Snapshot make_snapshot(const config::Loaded& loaded);

// After SET: one setting differs from `running`. What cannot be set up anew stays as it was, which
// the log and `notice` tell: a certificate and its key can only be set one after the other.
proxy::Snapshot changed_snapshot(const proxy::Snapshot& running,
                                 std::shared_ptr<const config::Config> config, std::string& notice);

}  // namespace remuda::daemon
