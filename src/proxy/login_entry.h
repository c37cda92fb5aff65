// A connection whose login is under way, as the console lists it: a client that proves who it is or
// waits for its pool's first server, or a server that is being opened. Lives in the frame of the
// login's task; touched by its worker's thread only.
#pragma once

#include <cstdint>
#include <string>

#include "io/address.h"
#include "io/deadline.h"
#include "io/stream.h"
#include "proxy/replication.h"
#include "remuda/base/list.h"
#include "remuda/base/time.h"
#include "route/host_board.h"

namespace remuda::proxy {

class PoolShard;
class Worker;

struct InLogin;  // a worker's list of all of them

struct LoginEntry : ListHook<InLogin> {
  enum class Stage : uint8_t {
    proving,  // a client of no pool yet
    queued,   // a client that has proved itself and waits for a server
    opening,  // a server
  };

  // Listed while it lives.
  LoginEntry(Worker& its_worker, Stage its_stage, uint64_t its_id, Micros since);
  ~LoginEntry();

  Worker& worker;
  const Stage stage;
  const uint64_t id;
  const Micros connect_time;  // monotonic
  const Micros stage_time;
  Replication replication = Replication::none;
  // What follows lives longer than this, or is null.
  const std::string* user = nullptr;
  const std::string* database = nullptr;
  const std::string* application_name = nullptr;
  const PoolShard* pool = nullptr;
  const io::Stream* stream = nullptr;
  const io::Address* address = nullptr;     // of a server
  io::Deadline* deadline = nullptr;         // ends a queued client's wait
  const route::HostClaim* claim = nullptr;  // of a server whose host is checked
  io::Deadline* opening = nullptr;          // ends such a server's dial
};

}  // namespace remuda::proxy
