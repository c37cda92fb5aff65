// One session of the null server: bytes of a client in, bytes of a server out. No socket, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "macro/null_query.h"
#include "macro/packet.h"

namespace remuda::bench {

// Which answers are to be wrong by one: every n-th of all sessions, so that a checker can be
// tested.
struct Lies {
  uint64_t every = 0;  // 0: none
  uint64_t answers = 0;

  bool next() { return every > 0 && ++answers % every == 0; }
};

class NullSession {
 public:
  NullSession(uint32_t id, Lies& lies);

  // Handles the whole messages at the front of `in`, appends the replies to `out` and returns how
  // many bytes it took.
  size_t feed(std::string_view in, std::string& out);

  // The client has said goodbye or broken the protocol: send what is owed, then close.
  bool closed() const { return closed_; }

 private:
  struct Parameter {
    std::string name, value, at_start;
  };
  struct Portal {
    NullQuery query;
    std::string number;
  };

  void startup(std::string_view body, std::string& out);
  void greet(std::string& out);
  void message(char type, std::string_view body, std::string& out);
  void extended(char type, Fields fields, std::string& out);
  void simple_query(std::string_view text, std::string& out);
  void parse(Fields fields, std::string& out);
  void bind(Fields fields, std::string& out);
  void describe(Fields fields, std::string& out);
  void execute(Fields fields, std::string& out);
  void close(Fields fields, std::string& out);

  void rows(const NullQuery& query, std::string_view number, std::string& out);
  void complete(const NullQuery& query, std::string& out);
  void set_parameter(std::string_view name, std::string_view value);
  void reset_parameters();
  void fail(const char* sqlstate, const std::string& text, std::string& out);
  void ready(std::string& out);

  const uint32_t id_;
  Lies& lies_;
  bool started_ = false;
  bool closed_ = false;
  bool skip_to_sync_ = false;
  char transaction_ = 'I';
  std::array<Parameter, 13> parameters_;
  std::string changes_;  // ParameterStatus messages that precede the next ReadyForQuery
  std::map<std::string, NullQuery, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
};

}  // namespace remuda::bench
