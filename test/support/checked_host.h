// A server that says of itself, to a health check, what a test wants it to; everything else it
// answers by naming itself.
#pragma once

#include <mutex>
#include <string>

#include "support/fake_server.h"

namespace remuda::test {

// What a check learns; numbers as text, empty: NULL.
struct HostState {
  bool is_standby = false;
  std::string written = "1000";   // by a primary
  std::string received = "1000";  // by a standby
  std::string replayed = "1000";
  std::string replay_age = "";  // microseconds
  int timeline = 1;
  std::string system = "42";
  std::string refusal = "";  // SQLSTATE; it takes no checks then
  std::string ending = "";   // SQLSTATE with which it ends what it is asked; "EOF": without a word
  bool is_silent = false;    // it takes connections, and says nothing, nor to those it has
};

// The answer to the question of a check.
std::string check_answer(const HostState& state);

class CheckedHost {
 public:
  explicit CheckedHost(HostState state, std::string name = "");
  // At this port of 127.0.0.`last`.
  CheckedHost(HostState state, std::string name, int last, int port);

  int port() const { return server_.port(); }
  void set(const HostState& state);
  HostState state() const;
  // So far: those that were answered, and connections of every kind.
  int checks() const;
  int connections() const { return server_.connections(); }
  // The silent ones end.
  void release() { server_.release(); }

 private:
  void converse(FakePeer& peer);

  const std::string name_;
  mutable std::mutex mutex_;  // guards the state
  HostState state_;
  FakeServer server_;  // last: its threads use the others
};

}  // namespace remuda::test
