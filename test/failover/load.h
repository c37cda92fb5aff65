// Clients that transfer money on the primary and others that read on the standbys, without a pause,
// and what they saw. Each is a thread; counters are read when all have ended, or are atomic.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/postgres.h"
#include "support/remuda_process.h"

namespace remuda::test {

using Clock = std::chrono::steady_clock;

// Milliseconds between two moments.
double ms_between(Clock::time_point from, Clock::time_point to);

class Load {
 public:
  static constexpr int kAccounts = 200;

  // Makes the tables on the primary.
  static void prepare(const PostgresServer& primary);

  Load(const Remuda& remuda, int writers, int readers);
  ~Load() { end(); }
  void end();

  // From now on the first commit on the server at this port is waited for.
  void expect_commit_at(int port);
  // When it was; waits for it.
  Clock::time_point first_commit();

  // Errors since the last call, by "who SQLSTATE message".
  std::map<std::string, int> take_errors();
  // Of the clients of a kind, the longest time between two good answers since the last call.
  double take_longest_pause(bool of_writers);
  uint64_t commits() const { return commits_; }
  uint64_t reads() const { return reads_; }
  // What readers and writers saw that must not be: other sums, roles, rows.
  std::vector<std::string> faults();
  // Transfers that were acknowledged and that this server does not have.
  int lost_on(const PostgresServer& server);

 private:
  void write(int number);
  void read(int number);
  template <class Work>
  void repeat(const std::string& dbname, const char* who, bool is_writer, Work work);
  void note_pause(bool is_writer, double pause);
  void note_error(const char* who, const PqError& error);
  void note_fault(const std::string& text);

  const Remuda& remuda_;
  std::atomic<bool> done_{false};
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> reads_{0};
  std::atomic<int> expected_port_{0};
  std::mutex mutex_;  // guards all below
  Clock::time_point first_commit_;
  std::array<double, 2> longest_pause_{};
  std::map<std::string, int> errors_;
  std::vector<std::string> faults_;
  std::set<std::pair<int, int>> acknowledged_;
  std::vector<std::thread> threads_;
};

}  // namespace remuda::test
