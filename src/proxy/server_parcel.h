// A server connection between two workers: taken off the one, not yet on the other. Holds what a
// Server is beyond its pool, by value, as what a worker interns stays there. Dropped, it closes the
// connection and gives back its slot.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "config/config.h"
#include "io/parcel.h"
#include "proxy/ledger.h"
#include "proxy/server.h"
#include "remuda/session/parameters.h"

namespace remuda::proxy {

// Counts a connection as travelling, so that PAUSE and WAIT_CLOSE know of servers that no list has;
// a client on its way holds them up for as long, which is microseconds.
class Journey {
 public:
  explicit Journey(std::shared_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {
    ledger_->travelling.fetch_add(1);
  }
  Journey(Journey&& other) noexcept = default;
  Journey& operator=(Journey&&) = delete;
  ~Journey() {
    if (ledger_) ledger_->travelling.fetch_sub(1);
  }
  const std::shared_ptr<Ledger>& ledger() const noexcept { return ledger_; }

 private:
  std::shared_ptr<Ledger> ledger_;
};

struct ServerParcel {
  Journey journey;
  Slot slot;
  io::Parcel connection;
  session::ParameterSet::Values parameters;
  session::ParameterSet::Values reported;
  session::ParameterSet::Values settings;            // that it does not report
  session::ParameterSet::Values base_settings;       // those it had when it was new
  std::vector<session::StatementDigest> statements;  // the one used last comes first
  uint32_t gone;  // counts names that were made up
  BackendKey key;
  std::string host;
  route::HostClaim claim;
  bool is_makeshift;
  io::Address address;
  uint32_t epoch;
  uint32_t closings;
  std::shared_ptr<const config::Config> config;  // under which it was used last
  uint64_t id;
  Micros connect_time;
  Micros request_time;
  Micros idle_since;
  bool was_idle;  // where it came from
  bool was_used;
  bool is_clean;
  bool just_checked;
};

// The server must be quiet, without client, lease, backlog and cancel requests. It is closed after
// this, but still its pool's. Throws SystemError when out of descriptors, and then changes nothing.
ServerParcel pack(Server& server);

// As a server of this worker's part of the pool, in no list yet and not reading. Throws
// SystemError.
std::unique_ptr<Server> unpack(Worker& worker, PoolShard& pool, ServerParcel parcel);

}  // namespace remuda::proxy
