// A client that has proved who it is, on its way to the worker (or the console) that will serve it.
// Travels between threads in a message; dropped, it closes the connection and gives back its place.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/parcel.h"
#include "pg/login.h"
#include "proxy/ledger.h"
#include "proxy/placement.h"
#include "proxy/replication.h"

namespace remuda::proxy {

// One unit of a client budget, held until the client is gone.
class Place {
 public:
  Place() = default;
  explicit Place(Budget& taken) : budget_(&taken) {}
  Place(Place&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    std::swap(budget_, other.budget_);
    return *this;
  }
  ~Place() {
    if (budget_) budget_->give_back();
  }

 private:
  Budget* budget_ = nullptr;
};

// The client's part of three limits, and what keeps their ledgers alive.
struct Places {
  std::shared_ptr<DatabaseLedger> database;
  std::shared_ptr<UserLedger> user;
  Place in_process;
  Place in_database;
  Place of_user;
};

struct Admission {
  Admission() = default;
  Admission(Admission&&) = default;
  Admission& operator=(Admission&&) = default;
  ~Admission() { wire::wipe(secret); }

  io::Parcel parcel;  // empty while the connection stays on its loop
  std::string database;
  std::string user;                         // who logged in
  std::string pool_user;                    // whose servers it uses
  std::vector<wire::Parameter> parameters;  // tracked ones it gave
  std::string options;                      // as it gave them, for replication only
  Replication replication = Replication::none;
  bool has_long_keys = false;  // it speaks protocol 3.2
  // What opens servers for this user, where the auth file does not say.
  std::optional<pg::ProvenKeys> keys;
  std::string secret;
  Places places;
  Seat seat;                 // none on the way to the console
  Micros login_started = 0;  // monotonic
  uint64_t id = 0;
  bool is_admin = false;  // console: may do more than SHOW
};

}  // namespace remuda::proxy
