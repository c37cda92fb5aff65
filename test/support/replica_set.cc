#include "support/replica_set.h"

#include <stdexcept>

namespace remuda::test {

ReplicaSet::ReplicaSet() {
  members_.push_back(std::make_unique<PostgresServer>());
  for (int i = 0; i < 2; ++i) members_.push_back(std::make_unique<PostgresServer>(primary()));
}

std::string ReplicaSet::hosts() const {
  std::string hosts;
  std::string ports;
  for (const auto& member : members_) {
    hosts += hosts.empty() ? "127.0.0.1" : ",127.0.0.1";
    ports += (ports.empty() ? "" : ",") + std::to_string(member->port());
  }
  return "host=" + hosts + " port=" + ports;
}

bool ReplicaSet::wait_streaming() {
  return eventually([this] {
    return primary().value(
               "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND "
               "replay_lsn = pg_current_wal_lsn()") == "2";
  });
}

void ReplicaSet::repair() {
  for (const auto& member : members_) {
    if (!member->is_running()) member->start();
  }
}

void ReplicaSet::switch_over() {
  stop_primary();
  promote_standby();
  start_old_primary();
  if (!wait_streaming()) throw std::runtime_error("the standbys do not follow the new primary");
}

void ReplicaSet::promote_standby() {
  old_ = &primary();
  PostgresServer& heir = standby(0);
  heir.promote();
  while (&primary() != &heir) primary_ = (primary_ + 1) % members_.size();
  for (const auto& member : members_) {
    if (member.get() != &heir && member.get() != old_) member->follow(heir);
  }
}

void ReplicaSet::start_old_primary() {
  old_->follow(primary());
  old_->start();
}

PostgresServer& ReplicaSet::split() {
  promote_standby();
  return *old_;
}

void ReplicaSet::replace_standbys() {
  for (auto& member : members_) {
    if (member.get() != &primary()) member = std::make_unique<PostgresServer>(primary());
  }
}

}  // namespace remuda::test
