// Clients that transfer money on the primary and others that read on the standbys, without a pause,
// and what they saw. Each is a thread. One more client beats on the primary as a heart does: which
// beats a reader does not see, though they were acknowledged before it asked, tells how old what it
// read was.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/pq.h"
#include "support/remuda_process.h"

namespace remuda::test {

using Clock = std::chrono::steady_clock;

// Milliseconds between two moments.
double ms_between(Clock::time_point from, Clock::time_point to);

class Load {
 public:
  static constexpr int kAccounts = 200;

  // Makes the tables on the primary, anew.
  static void prepare(const Address& primary);

  // How many write to which database, and read from which.
  struct Clients {
    std::string writes;
    std::string reads;
    int writers;
    int readers;
  };
  Load(const Remuda& remuda, const Clients& clients);
  ~Load() { end(); }
  void end();

  // From now on the first commit on the server at this port is waited for.
  void expect_commit_at(int port);
  // When it was; waits for it. A transaction that begins later and writes elsewhere is a fault.
  Clock::time_point first_commit();

  // Errors since the last call, by "who, where, SQLSTATE message".
  std::map<std::string, int> take_errors();
  // Those of them that met nobody's transaction: at a login, a BEGIN or a read.
  int take_needless();
  // All of them.
  int take_count();
  // Milliseconds by which the oldest thing that readers saw since the last call was out of date.
  double take_oldest_read();
  // Of the clients of a kind, the longest time between two good answers since the last call.
  double take_longest_pause(bool of_writers);
  uint64_t commits() const { return commits_; }
  uint64_t reads() const { return reads_; }
  // Those of them that the server at this port answered.
  uint64_t reads_at(int port);
  // What readers and writers saw that must not be: other sums, roles, hosts.
  std::vector<std::string> faults();
  // When all have ended, against what the primary has: transfers that were acknowledged and are not
  // there, and those that are though they were never to be committed.
  struct Audit {
    int lost = 0;
    int undead = 0;
    int unknown = 0;  // whose COMMIT was not answered: both are right
  };
  Audit audit(const Address& primary);

 private:
  // Where a client was when it met an error.
  enum class Step { login, begin, inside, commit, read };
  using Transfer = std::pair<int, int>;  // client, number
  struct Place {
    Step step = Step::login;
    Transfer transfer = {};
  };

  void write(int number);
  void transfer(Pq& connection, std::mt19937& random, Place& place);
  void note_commit(const Transfer& transfer, const std::string& port, Clock::time_point begun);
  void read(int number);
  void beat();
  double age_of(uint64_t beat, Clock::time_point asked);
  template <class Work>
  void repeat(const std::string& dbname, const char* who, bool is_writer, Work work);
  void note_pause(bool is_writer, double pause);
  void note_error(const char* who, const Place& place, const PqError& error);
  void note_fault(const std::string& text);

  const Remuda& remuda_;
  const Clients clients_;
  std::atomic<bool> done_{false};
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> reads_{0};
  std::atomic<int> expected_port_{0};
  std::mutex mutex_;  // guards all below
  Clock::time_point first_commit_;
  std::string home_port_;         // of the primary, once it was written to
  Clock::time_point home_since_;  // nobody writes elsewhere who begins later
  std::vector<std::pair<uint64_t, Clock::time_point>> beats_;  // acknowledged, when
  double oldest_read_ = 0;
  std::map<std::string, uint64_t> reads_at_;  // by port
  int needless_ = 0;
  int count_ = 0;
  std::array<double, 2> longest_pause_{};
  std::map<std::string, int> errors_;
  std::vector<std::string> faults_;
  std::set<Transfer> acknowledged_;
  std::set<Transfer> unknown_;
  std::vector<std::thread> threads_;
};

}  // namespace remuda::test
