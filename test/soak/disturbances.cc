#include "soak/disturbances.h"

#include <algorithm>

namespace remuda::soak {
namespace {

// How long a disturbance may be felt after its end: a server that is found dead later, an attempt
// that server_login_retry puts off.
constexpr auto kEcho = std::chrono::seconds(5);

bool says(const test::PqError& error, const char* text) {
  return error.message.find(text) != std::string::npos;
}

// PostgreSQL ends a session, or the pooler has lost its server or gets no new one.
bool is_loss_of_server(const test::PqError& error) {
  for (const char* state : {"57P01", "57P02", "57P03"}) {
    if (error.sqlstate == state) return true;
  }
  // The secret of a user is asked for on a server.
  return says(error, "server conn crashed?") || says(error, "cached error") ||
         says(error, "bouncer config error");
}

}  // namespace

size_t Disturbances::begin(Cause cause, const std::string& database) {
  std::lock_guard lock(mutex_);
  entries_.push_back({cause, database, Clock::now(), std::nullopt});
  return entries_.size() - 1;
}

void Disturbances::end(size_t number) {
  std::lock_guard lock(mutex_);
  entries_.at(number).end = Clock::now();
}

void Disturbances::kill_client(const std::string& tag) {
  std::lock_guard lock(mutex_);
  killed_.insert(tag);
}

bool Disturbances::any(std::initializer_list<Cause> causes, const std::string& database,
                       Clock::time_point since) const {
  // The newest ones are at the end, and a connection does not live long.
  constexpr size_t kRecent = 200;
  const size_t oldest = entries_.size() - std::min(entries_.size(), kRecent);
  return std::any_of(entries_.begin() + static_cast<std::ptrdiff_t>(oldest), entries_.end(),
                     [&](const Entry& entry) {
                       const bool is_asked =
                           std::find(causes.begin(), causes.end(), entry.cause) != causes.end();
                       const bool is_here = entry.database.empty() || entry.database == database;
                       return is_asked && is_here && (!entry.end || *entry.end + kEcho >= since);
                     });
}

bool Disturbances::explain_loss(const Exposure& exposure) const {
  return killed_.contains(exposure.tag) ||
         any({Cause::kill, Cause::remove}, exposure.database, exposure.connected) ||
         any({Cause::restart, Cause::terminate, Cause::disable}, exposure.database, exposure.busy);
}

bool Disturbances::explain(const test::PqError& error, const Exposure& exposure) const {
  std::lock_guard lock(mutex_);
  if (says(error, "no answer in time")) return false;
  if (error.sqlstate.empty()) return explain_loss(exposure);
  if (says(error, "admin forced disconnect")) return killed_.contains(exposure.tag);
  if (says(error, "database removed"))
    return any({Cause::kill, Cause::remove}, exposure.database, exposure.connected);
  if (says(error, "is disabled"))
    return any({Cause::disable}, exposure.database, exposure.connected);
  if (says(error, "no such database"))
    return any({Cause::remove}, exposure.database, exposure.connected);
  return is_loss_of_server(error) &&
         any({Cause::restart, Cause::terminate, Cause::kill}, exposure.database, exposure.busy);
}

}  // namespace remuda::soak
