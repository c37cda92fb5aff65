// A connection as the console shows it: what SHOW CLIENTS, SERVERS and SOCKETS have in common. Made
// on the thread that owns the connection.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "admin/table.h"
#include "io/stream.h"
#include "proxy/replication.h"
#include "remuda/base/time.h"

namespace remuda::admin {

// Where a connection ends, on both sides. Unix sockets are called by the port we listen on.
struct Ends {
  std::string address;
  int port = 0;
  std::string local_address;
  int local_port = 0;
  int peer_pid = 0;  // of a unix socket's peer
  std::string tls;   // version, cipher, curve; empty: plain text
};

// Empty where the kernel no longer knows.
Ends ends_of(const io::Stream& stream, int listen_port);

struct Buffers {
  size_t unread = 0;  // parked until they can be sent on
  size_t unsent = 0;  // not yet taken by the kernel
  uint64_t body = 0;  // what is to come of the message being streamed
};

struct SocketRow {
  char type = 'C';
  std::string user;
  std::string database;
  proxy::Replication replication = proxy::Replication::none;
  const char* state = "";
  Ends ends;
  Micros connect_time = 0;  // monotonic
  Micros request_time = 0;
  Micros wait = 0;
  bool close_needed = false;
  uint64_t id = 0;
  uint64_t link = 0;  // id of the other side; 0 if there is none
  int remote_pid = 0;
  std::string application_name;
  size_t prepared_statements = 0;  // by name, as far as they follow clients
  Buffers buffers;
};

// SHOW CLIENTS and SERVERS; with the buffers, SHOW SOCKETS.
std::span<const Column> socket_columns(bool with_buffers);
Row to_row(const SocketRow& socket, Micros now, bool with_buffers);

}  // namespace remuda::admin
