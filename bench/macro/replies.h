// Reads what a load client is sent and checks that it is the answer to what it asked. Streams: rows
// of any size pass without being kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "macro/requests.h"

namespace remuda::bench {

class Replies {
 public:
  // Nothing but ReadyForQuery is expected: a login or a Parse.
  void expect_ready();
  // The answers to a request for `number` are expected, then ReadyForQuery.
  void expect_answers(const Workload& workload, int64_t number);

  // Takes bytes as they come.
  void feed(std::string_view bytes);

  bool ready() const { return readies_ > 0; }
  // The body of the authentication request that has come since, if one has; it awaits an answer.
  std::string take_authentication() { return std::exchange(authentication_, {}); }
  size_t answered() const { return answered_; }
  // What is wrong with the replies so far; empty if nothing.
  const std::string& fault() const { return fault_; }
  // Whether that is an answer to another question than ours, not an error the server reports.
  bool wrong() const { return wrong_; }

 private:
  size_t head_wanted(std::string_view bytes) const;
  void head(std::string_view bytes);
  void message(char type, std::string_view body);
  void row(std::string_view body);
  void complete();
  void ready_for_query(std::string_view body);
  void mistake(const std::string& text);

  const Workload* workload_ = nullptr;
  int64_t number_ = 0;
  size_t expected_ = 0, answered_ = 0, rows_ = 0;
  size_t skip_ = 0;   // bytes of the current message still to come that we do not look at
  std::string head_;  // the first bytes of a message, cut off so far
  std::string authentication_;
  int readies_ = 0;
  bool failed_ = false, wrong_ = false;
  std::string fault_;
};

}  // namespace remuda::bench
