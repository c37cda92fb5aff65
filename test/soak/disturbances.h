// What the operator of a soak does that a client may notice, and since when: it decides whether an
// error is explained. Owned by the World; any thread, a mutex.
#pragma once

#include <chrono>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "support/pq.h"

namespace remuda::soak {

using Clock = std::chrono::steady_clock;

enum class Cause { restart, terminate, kill, remove, disable };

// Where a client stood when an error reached it.
struct Exposure {
  std::string database;
  // Its application_name begins with it, and nobody else's does.
  std::string tag;
  Clock::time_point connected;
  // Since when it may have had the server it has now.
  Clock::time_point busy;
};

class Disturbances {
 public:
  // Lasts until end(). An empty database means all of them.
  size_t begin(Cause cause, const std::string& database);
  void end(size_t number);
  // KILL_CLIENT is about to name this client.
  void kill_client(const std::string& tag);

  bool explain(const test::PqError& error, const Exposure& exposure) const;

 private:
  struct Entry {
    Cause cause;
    std::string database;
    Clock::time_point begin;
    std::optional<Clock::time_point> end;
  };

  bool any(std::initializer_list<Cause> causes, const std::string& database,
           Clock::time_point since) const;
  bool explain_loss(const Exposure& exposure) const;

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
  std::set<std::string> killed_;
};

}  // namespace remuda::soak
