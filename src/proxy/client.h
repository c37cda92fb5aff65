// One admitted client: its stream, its protocol view and its place in a pool. Owned by its worker,
// touched by that thread only. Lives from the greeting to the close; what the login needed is gone.
// An idle client is this object and a libuv handle: no buffer, no timer.
#pragma once

#include <memory>
#include <string>

#include "io/block_chain.h"
#include "io/stream.h"
#include "proxy/admission.h"
#include "proxy/cancel_key.h"
#include "proxy/ledger.h"
#include "remuda/base/list.h"
#include "remuda/base/time.h"
#include "remuda/session/conversation.h"

namespace remuda::proxy {

class PoolShard;
class Server;
class Worker;

enum class ClientState : uint8_t { idle, active, waiting };

struct InPool;         // list of all clients of a pool
struct InClientState;  // list of those in the same state, longest in it first

class Client final : public io::StreamEvents,
                     public ListHook<InPool>,
                     public ListHook<InClientState> {
 public:
  Client(Worker& its_worker, io::Stream its_stream, PoolShard& its_pool, Places its_places,
         uint64_t its_id);
  ~Client();

  ClientState state() const noexcept;

  // Relay (relay.cc)
  void on_bytes(char* data, size_t size) noexcept override;
  void on_end(int error) noexcept override;
  void on_drained() noexcept override;

  Worker& worker;
  io::Stream stream;
  PoolShard& pool;
  Server* server = nullptr;
  session::ClientView view;

  // Bytes that wait for a server, for replies, or for a parameter replay.
  io::BlockChain parked;
  bool needs_room = false;       // the server owes too many replies
  bool awaits_replay = false;    // linked, but its own start-up values are being tried first
  bool unproven_values = false;  // no server has accepted its start-up values yet
  bool wait_notified = false;    // has been told that it waits
  bool replay_due = false;       // newly linked: its parameters go in front of what it sends
  bool said_goodbye = false;     // it leaves on purpose
  bool closing = false;

  Places places;  // its part of the client limits; places.user is who logged in
  const uint64_t id;
  CancelKey key;
  // Monotonic; 0 = not running.
  Micros connect_time;
  Micros request_time;
  Micros idle_since;  // it has no server, or its server last answered all
  Micros wait_start = 0;
  Micros query_start = 0;
  Micros transaction_start = 0;
};

}  // namespace remuda::proxy
