// A primary and two streaming standbys on this machine, whose roles change.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/postgres.h"

namespace remuda::test {

class ReplicaSet {
 public:
  // Started, streaming. Takes about five seconds.
  ReplicaSet();

  PostgresServer& primary() { return *members_[primary_]; }
  // 0 or 1.
  PostgresServer& standby(size_t number) {
    return *members_[number < primary_ ? number : number + 1];
  }

  // "host=127.0.0.1,127.0.0.1,127.0.0.1 port=..."
  std::string hosts() const;
  // True when both standbys stream and have replayed what the primary has written.
  bool wait_streaming();
  // Starts what a test that failed has left stopped.
  void repair();

  // Planned: the primary ends, standby 0 takes over, and the old one comes back as its standby.
  void switch_over();
  // The parts of it. After the second the old primary is standby(0) or standby(1), not running.
  void stop_primary(PostgresServer::Stop how = PostgresServer::Stop::fast) { primary().stop(how); }
  void promote_standby();
  void start_old_primary();
  // Two primaries: a standby takes over while the old one, which is returned, goes on. Afterwards
  // the others are to be made anew.
  PostgresServer& split();
  void replace_standbys();

 private:
  std::vector<std::unique_ptr<PostgresServer>> members_;
  size_t primary_ = 0;
  PostgresServer* old_ = nullptr;
};

}  // namespace remuda::test
