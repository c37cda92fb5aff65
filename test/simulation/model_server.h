// A server that behaves as PostgreSQL does, as far as a pooler can tell: simple and extended
// queries, errors and the skipping to Sync behind them, COPY, transactions, parameters, and output
// that is only sent when PostgreSQL would flush it. Checked message by message against
// PostgreSQL 15.
//
// Every request that has a body names who sent it ("@7.31": client 7, its request 31), and the
// replies repeat it. A request that meets what somebody else has left open (a transaction, a batch,
// a COPY, an error not synced yet) is a violation.
//
// It is a function of the bytes it reads, however cut. So a client keeps one of its own, feeds it
// what it sends, and knows what a server that it never had to share would have answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace remuda::simulation {

std::string message(char type, std::string_view body = {});
inline std::string zero_ended(const std::string& text) {
  return text + '\0';
}

class ModelServer {
 public:
  using Parameters = std::map<std::string, std::string>;

  // A server's own defaults; those it reports are the ones without a dot.
  static const Parameters& defaults();

  explicit ModelServer(bool reports_late) : reports_late_(reports_late) {}

  // Sets a parameter as a startup packet does.
  void start_with(const std::string& name, const std::string& value);

  void read(std::string_view bytes);

  // Output as a stream: its bytes so far, and up to where they have been flushed.
  std::string_view output() const { return std::string_view(output_).substr(taken_); }
  size_t flushed() const { return flushed_ - taken_; }
  void take(size_t n);

  // Nothing of anybody is left: neither state, nor a request half read, nor a reply not sent.
  bool is_clean() const;
  bool has_open_batch() const { return in_batch_; }
  bool is_copying() const { return copying_; }
  bool is_skipping() const { return skipping_; }
  char status() const { return status_; }
  bool is_closed() const { return closed_; }
  const std::string& violation() const { return violation_; }
  uint64_t messages() const { return messages_; }

 private:
  struct Portal {
    std::string statement;
    size_t row = 0;
  };
  enum class Outcome { done, copying, failed };

  void handle(char type, std::string_view body);
  void handle_in_copy(char type, std::string_view body);
  void note_sender(std::string_view body);
  void simple_query(std::string_view body);
  void go_on();
  void extended(char type, std::string_view body);
  void execute(std::string_view body);
  void function_call(std::string_view body);

  Outcome run(const std::string& statement, bool extended_protocol);
  Outcome start_copy(const std::string& how);
  void end_copy();
  void rows(size_t from, size_t to, size_t size);
  bool run_internal(std::string_view sql);
  void set(const std::string& name, const std::string& value);
  void end_transaction(bool commit);
  void fail(const std::string& why);
  void shut_down(const std::string& why);
  void ready();

  void emit(char type, std::string_view body = {});
  void complete(const std::string& tag);
  void report();
  void flush() { flushed_ = output_.size(); }

  bool reports_late_;
  std::string input_;
  std::string output_;
  size_t taken_ = 0;
  size_t flushed_ = 0;
  uint64_t messages_ = 0;
  std::string violation_;
  bool closed_ = false;

  char status_ = 'I';
  std::string owner_;   // who left open what is open
  std::string sender_;  // of the last request that says so, with its number
  bool in_batch_ = false;
  bool in_extended_ = false;
  bool skipping_ = false;
  std::deque<std::string> to_do_;  // statements left of a simple query
  std::string unnamed_;
  std::map<std::string, Portal> portals_;

  bool copying_ = false;
  std::string copy_fails_;
  size_t copied_ = 0;

  Parameters parameters_ = defaults();
  Parameters committed_ = defaults();
  Parameters reported_ = defaults();
};

}  // namespace remuda::simulation
