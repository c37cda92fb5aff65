// The state of one client of the load program. Owned and used by its LoadThread.
#pragma once

#include <string>

#include "macro/channel.h"
#include "macro/load_report.h"
#include "macro/replies.h"
#include "macro/scram_login.h"

namespace remuda::bench {

struct LoadClient {
  // asking: for TLS; shaking: in its handshake.
  enum class State { closed, connecting, asking, shaking, starting, preparing, idle, busy };

  LoadClient(size_t at, size_t of_all) : index(at), number(static_cast<int64_t>(of_all) << 32) {}
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  void close();
  bool outstanding() const { return state != State::closed && state != State::idle; }

  const size_t index;  // in its thread's list
  Channel channel;
  ScramLogin scram;
  State state = State::closed;
  int64_t number;     // the next to ask for; the upper half is the client
  Nanos began = 0;    // when the request in flight was due
  uint64_t due = 0;   // requests the schedule has given it in this run
  uint64_t sent = 0;  // requests sent in this run
  Replies replies;
  std::string unsent;  // bytes the socket did not take yet
  bool waits_for_room = false;
  Nanos rests_until = 0;  // a slow reader looks at nothing before; 0: it does not rest
};

}  // namespace remuda::bench
