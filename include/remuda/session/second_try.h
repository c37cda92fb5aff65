// The batch a server works on, kept so that it can be sent once more with its first statement
// prepared again: where that one's plan is out of date, or the server lost it, nothing of the batch
// has taken effect, and a client that asks for a description learns of other columns all the same.
// Owned by the server's view. One thread. PostgreSQL manual, Frontend/Backend Protocol, Message
// Flow: Extended Query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "remuda/session/statement.h"

namespace remuda::session {

struct SecondTry {
  enum class Stage : uint8_t {
    none,
    recording,  // the batch is on its way to the server
    kept,       // all of it is
    failed,     // its error was not told: the server's ReadyForQuery is waited for
    due,        // which has come: put_second_try() is to be sent
    closing,    // that was sent; the server closes the old statement,
    preparing,  // and makes the new one; what it says then is for the client again
  };
  // A longer batch is not kept.
  static constexpr size_t kMostKept = 16 * 1024;

  Stage stage = Stage::none;
  bool is_described = false;  // the client has asked for a description
  uint32_t number = 0;        // ServerView::batch while it is sent
  size_t begin = 0;           // of what is to be recorded in the egress of this call
  std::string batch;          // from the first message on that the server is given
  StatementRef statement;     // what that refers to,
  StatementDigest digest;     // by this name

  // The client's messages wait.
  bool is_under_way() const noexcept { return stage >= Stage::failed; }
  void forget() noexcept {
    stage = Stage::none;
    statement = {};
  }
};

}  // namespace remuda::session
