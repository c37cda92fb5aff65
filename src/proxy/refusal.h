// How a login that fails ends: what the client is told, what is logged. Worker thread.
#pragma once

#include <string>

#include "config/config.h"
#include "io/stream.h"
#include "remuda/base/error.h"
#include "remuda/base/time.h"

namespace remuda::proxy {

// What a client is told for whom the process has no file descriptor.
inline constexpr const char* kNoDescriptors =
    "sorry, too many clients already (out of file descriptors)";

// FATAL to the client, then the stream closes. `name` is the client's in the log.
void refuse(io::Stream& stream, const std::string& name, const PgError& error, Micros age,
            const config::Config& config);

// The client is not there to be told.
void log_lost(const std::string& name, const char* why, Micros age, const config::Config& config);

}  // namespace remuda::proxy
