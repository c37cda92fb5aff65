// One connection to PostgreSQL. Owned by its pool shard, touched by that worker's thread only.
#pragma once

#include <memory>
#include <string>

#include "io/stream.h"
#include "proxy/beginning.h"
#include "proxy/ledger.h"
#include "proxy/replication.h"
#include "remuda/base/list.h"
#include "remuda/base/time.h"
#include "remuda/session/conversation.h"
#include "route/host_board.h"

namespace remuda::proxy {

class Client;
class PoolShard;
class ServerLease;
class Worker;

enum class ServerState : uint8_t {
  idle,    // free
  active,  // linked to a client, or lent to a task
  tested,  // running the reset or check query, or finishing what its last client left
};
inline constexpr ServerState kServerStates[] = {ServerState::idle, ServerState::active,
                                                ServerState::tested};

// What it answers when asked to cancel; the secret may be longer than four bytes (protocol 3.2).
struct BackendKey {
  uint32_t pid = 0;
  std::string secret;
};

struct InState;  // the pool's list for the state the server is in

class Server final : public io::StreamEvents, public ListHook<InState> {
 public:
  Server(Worker& its_worker, io::Stream its_stream, PoolShard& its_pool, Slot its_slot,
         uint64_t its_id);
  ~Server();

  // Relay (relay.cc)
  void on_bytes(char* data, size_t size) noexcept override;
  void on_end(int error) noexcept override;
  void on_drained() noexcept override;

  Worker& worker;
  io::Stream stream;
  PoolShard& pool;
  Client* client = nullptr;
  ServerLease* lease = nullptr;  // when lent to a task
  session::ServerView view;
  Slot slot;
  ServerState state = ServerState::tested;
  bool closing = false;
  bool close_needed = false;  // closed as soon as it is free
  bool needs_reset = false;   // server_reset_query is still to be run
  bool was_reset = false;     // it, or another, runs
  bool runs_connect_query = false;
  bool was_used = false;      // has had a client, or run a query of ours
  bool is_clean = true;       // no client has had it since it was opened or cleaned
  bool just_checked = false;  // since it was last lent: not checked twice before its next use
  Replication replication = Replication::none;  // it is its client's own
  int cancels = 0;  // cancel requests on their way: neither lent nor released meanwhile
  BackendKey key;
  std::string reset_query;    // that runs
  std::string host;           // the element of the host list
  route::HostClaim claim;     // if its hosts are checked
  Beginning beginning;        // likewise
  bool is_makeshift = false;  // a host of the preferred role was not there
  io::Address address;
  uint32_t epoch = 0;     // of the database when it was opened
  uint32_t closings = 0;  // of the ledger, likewise
  const uint64_t id;
  // Monotonic
  Micros connect_time;
  Micros request_time;
  Micros idle_since = 0;
  Micros abandoned_at = 0;  // its client left before it had answered; 0: it did not
};

}  // namespace remuda::proxy
