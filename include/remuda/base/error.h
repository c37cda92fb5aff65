// What the control plane throws. The data plane returns values instead (session/conversation.h).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace remuda {

// A SQLSTATE: five characters, no terminator needed. Default is 08P01, protocol_violation.
struct SqlState {
  char code[6] = "08P01";
  constexpr SqlState() = default;
  constexpr explicit SqlState(std::string_view text) {
    for (size_t i = 0; i < 5; ++i) code[i] = i < text.size() ? text[i] : '0';
  }
  constexpr std::string_view view() const { return {code, 5}; }
  constexpr bool operator==(const SqlState& other) const { return view() == other.view(); }
};

// An error a client is told: what is thrown is what it reads.
class PgError : public std::runtime_error {
 public:
  explicit PgError(const std::string& message) : std::runtime_error(message) {}
  PgError(SqlState state, const std::string& message)
      : std::runtime_error(message), sqlstate_(state) {}
  const SqlState& sqlstate() const noexcept { return sqlstate_; }

 private:
  SqlState sqlstate_;
};

// The peer, or we ourselves, closed what was waited for.
class Closed : public std::runtime_error {
 public:
  explicit Closed(const std::string& why) : std::runtime_error(why) {}
};

// A deadline passed while waiting.
class TimedOut : public std::runtime_error {
 public:
  explicit TimedOut(const std::string& what) : std::runtime_error(what) {}
};

// A system call failed. `error` is an errno value, positive.
class SystemError : public std::system_error {
 public:
  SystemError(int error, const std::string& what)
      : std::system_error(error, std::generic_category(), what) {}
};

// A bug or exhausted memory: says where, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace remuda

// For what must hold unless we have a bug; never for what a peer can cause.
#define REMUDA_CHECK(condition) \
  ((condition) ? void(0) : ::remuda::check_failed(#condition, __FILE__, __LINE__))
