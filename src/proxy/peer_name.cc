#include "proxy/peer_name.h"

#include <fmt/core.h>

namespace remuda::proxy {

std::string peer_name(const io::Stream& stream, int listen_port) {
  if (!stream.is_open()) return "(closed)";
  try {
    const io::PeerAddress peer = stream.peer();
    if (peer.address.is_unix()) return fmt::format("unix({}):{}", peer.pid, listen_port);
    return peer.address.text();
  } catch (const std::exception&) {
    return "(gone)";
  }
}

}  // namespace remuda::proxy
