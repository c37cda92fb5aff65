// Used by the conversation only: include/remuda/session/second_try.h.
#pragma once

#include "frame_walk.h"
#include "remuda/session/conversation.h"
#include "remuda/wire/notice.h"

namespace remuda::session {

// In front of what refers to a statement by a name: the recording begins if this is the first that
// the server is asked outside transactions.
void begin_recording(ServerView& server, const StatementRef& statement, const Egress& out);
// What a call has put into its egress is recorded from here on.
inline void go_on_recording(ServerView& server, const Egress& out) noexcept {
  if (server.second_try.stage == SecondTry::Stage::recording) server.second_try.begin = out.size();
}
// At the end of the call.
void record(ServerView& server, Egress& out);

// An error of the server's. True when the batch is tried again, and nobody is to be told.
bool try_again(ServerView& server, ClientView& client, const wire::ErrorFields& error);

// A message of a server that is at it.
enum class Told : uint8_t {
  as_usual,  // it is for the client
  swallow,   // it is not
  resend,    // nor is it, and Need::resend is due
  wrong,     // it was not to be sent
};
Told take_second_answer(ServerView& server, char type, ByteView message);

// Its client leaves: the error is the end of the batch after all. True if that must be noted.
bool give_up_second_try(ServerView& server) noexcept;

}  // namespace remuda::session
