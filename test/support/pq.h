// libpq with owners and deadlines: one connection, used by one thread at a time.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/wait.h"

namespace remuda::test {

using Field = std::optional<std::string>;
using Row = std::vector<Field>;
using Rows = std::vector<Row>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// An ErrorResponse, or what libpq says where no server spoke (then `sqlstate` is empty).
// `message` is the server's M field alone; what() has severity and code as well.
struct PqError : std::runtime_error {
  PqError(std::string state, std::string text);
  std::string sqlstate;
  std::string message;
};

// Where to connect. `options` is more of libpq's key=value text.
struct Address {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string dbname;
  std::string user;
  std::string password = {};
  std::string options = {};
};

class Pq {
 public:
  // Connected and logged in; throws PqError.
  explicit Pq(const Address& address);
  Pq(Pq&&) noexcept;
  Pq& operator=(Pq&&) noexcept;
  ~Pq();

  // Runs one or more statements by the simple protocol; rows of the last one. Throws PqError.
  Rows exec(const std::string& sql);
  // Same by the extended protocol, unnamed statement, text parameters.
  Rows exec_params(const std::string& sql, const std::vector<std::string>& parameters);
  // The single field of the single row.
  std::string value(const std::string& sql);

  // Sends a simple query and does not wait.
  void send(const std::string& sql);
  // Next result of what was sent by send() or raw(); null at the end of one query's results.
  // Throws on silence or a broken connection, not on an error result.
  Result next_result();
  // Same for all results up to the null.
  std::vector<Result> all_results();
  // Rows of the last of them. Throws PqError when one is an error.
  Rows finish();
  // What a COPY TO STDOUT that has begun sends, up to its end; its result follows.
  std::string copy_data();

  // True once the peer has closed; does not wait.
  bool closed();
  // True once the peer has closed; waits for it.
  bool wait_closed(milliseconds timeout = kPatience);
  int backend_pid() const { return PQbackendPID(raw()); }
  // Whether the last ReadyForQuery said idle.
  bool idle() const { return PQtransactionStatus(raw()) == PQTRANS_IDLE; }
  // Texts of notices so far, with severity and code.
  const std::vector<std::string>& notices() const;
  // Sends a CancelRequest with this connection's key; true when it could be sent.
  bool cancel() const;
  void close();
  PGconn* raw() const;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

Result make_result(PGresult* result);
Rows rows_of(const PGresult* result);
// Throws PqError when the result is an error.
void check_result(const PGresult* result);
// SQLSTATE of an error result, empty for success.
std::string sqlstate_of(const PGresult* result);

// The error that `action` throws; one with message "no error" if it does not.
template <class Action>
PqError pq_error(Action action) {
  try {
    action();
  } catch (const PqError& error) {
    return error;
  }
  return PqError("", "no error");
}

}  // namespace remuda::test
