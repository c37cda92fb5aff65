// A connection's other end, as the log prints it. Any thread that may touch the stream.
#pragma once

#include <string>

#include "io/stream.h"

namespace remuda::proxy {

// "127.0.0.1:4711", "[::1]:4711", "unix(PID):6432"; "(gone)" when the kernel no longer knows.
std::string peer_name(const io::Stream& stream, int listen_port);

}  // namespace remuda::proxy
