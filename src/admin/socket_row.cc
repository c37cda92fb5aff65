#include "admin/socket_row.h"

#include <fmt/core.h>

#include "remuda/base/error.h"

namespace remuda::admin {
namespace {

using wire::oid::kInt4;
using wire::oid::kText;

constexpr size_t kBufferColumns = 7;

constexpr Column kColumns[] = {
    {"type", kText},
    {"user", kText},
    {"database", kText},
    {"replication", kText},
    {"state", kText},
    {"addr", kText},
    {"port", kInt4},
    {"local_addr", kText},
    {"local_port", kInt4},
    {"connect_time", kText},
    {"request_time", kText},
    {"wait", kInt4},
    {"wait_us", kInt4},
    {"close_needed", kInt4},
    {"ptr", kText},
    {"link", kText},
    {"remote_pid", kInt4},
    {"tls", kText},
    {"application_name", kText},
    {"prepared_statements", kInt4},
    {"id", kInt4, Merge::key},
    {"recv_pos", kInt4},
    {"pkt_pos", kInt4},
    {"pkt_remain", kInt4},
    {"send_pos", kInt4},
    {"send_remain", kInt4},
    {"pkt_avail", kInt4},
    {"send_avail", kInt4},
};

// As the log names connections.
std::string pointer(uint64_t id) {
  return id == 0 ? "" : fmt::format("{:#014x}", id);
}

// Monotonic time as local time of day.
std::string time_text(Micros time, Micros now) {
  return format_time(wall_now() - (now - time));
}

int port_of(const io::Address& address, int listen_port) {
  return address.is_unix() ? listen_port : address.port();
}

}  // namespace

Ends ends_of(const io::Stream& stream, int listen_port) {
  Ends ends;
  if (!stream.is_open()) return ends;
  try {
    const io::PeerAddress peer = stream.peer();
    const io::Address local = stream.local();
    ends.address = peer.address.host();
    ends.port = port_of(peer.address, listen_port);
    ends.local_address = local.host();
    ends.local_port = port_of(local, listen_port);
    ends.peer_pid = peer.pid;
    if (stream.tls()) ends.tls = stream.tls()->description();
  } catch (const SystemError&) {
    // A reset connection is about to be closed.
  }
  return ends;
}

std::span<const Column> socket_columns(bool with_buffers) {
  const std::span<const Column> all = kColumns;
  return with_buffers ? all : all.first(all.size() - kBufferColumns);
}

Row to_row(const SocketRow& socket, Micros now, bool with_buffers) {
  const Ends& ends = socket.ends;
  Row row = {
      text(std::string(1, socket.type)),
      text(socket.user),
      text(socket.database),
      text(proxy::to_text(socket.replication)),
      text(socket.state),
      text(ends.address),
      number(ends.port),
      text(ends.local_address),
      number(ends.local_port),
      text(time_text(socket.connect_time, now)),
      text(time_text(socket.request_time, now)),
      number(socket.wait / kSecond),
      number(socket.wait % kSecond),
      number(socket.close_needed),
      text(pointer(socket.id)),
      text(pointer(socket.link)),
      number(socket.remote_pid),
      text(ends.tls),
      text(socket.application_name),
      number(socket.prepared_statements),
      number(socket.id),
  };
  if (with_buffers) {
    // We read into a buffer that the loop lends, so a socket has no positions of its own.
    const Buffers& buffers = socket.buffers;
    for (const uint64_t value :
         {uint64_t{0}, uint64_t{0}, buffers.body, uint64_t{0}, uint64_t{buffers.unsent},
          uint64_t{buffers.unread}, uint64_t{buffers.unsent}}) {
      row.push_back(number(value));
    }
  }
  return row;
}

}  // namespace remuda::admin
