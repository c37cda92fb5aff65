// An idle client between two workers, to even out what they have to do. Dropped, it closes the
// connection and gives back its places.
#pragma once

#include <memory>
#include <optional>

#include "io/parcel.h"
#include "proxy/client.h"
#include "proxy/placement.h"
#include "proxy/server_parcel.h"
#include "remuda/session/client_statements.h"
#include "remuda/session/parameters.h"

namespace remuda::proxy {

struct FollowedSettings {
  session::ParameterSet::Values now;
  session::ParameterSet::Values startup;
};

struct ClientParcel {
  Journey journey;
  Seat seat;  // where it goes
  Places places;
  io::Parcel connection;
  session::ParameterSet::Values parameters;
  std::optional<FollowedSettings> settings;
  session::Release release;
  bool simple_query_allowed;
  session::StatementCopies statements;
  bool unproven_values;
  uint64_t id;
  CancelKey key;
  uint32_t kills;  // of the database when it left
  Micros connect_time;
  Micros request_time;
};

// Outside transactions, with nothing half sent or received, and nothing waited for.
bool can_move(const Client& client) noexcept;

// The client can_move(); it ends here. Throws SystemError when out of descriptors, and then changes
// nothing.
ClientParcel pack(Client& client, int to);

// A client of this worker's part of the pool, in its list and table, not reading yet. Throws
// SystemError.
Client& unpack(Worker& worker, PoolShard& pool, ClientParcel parcel);

}  // namespace remuda::proxy
