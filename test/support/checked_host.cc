#include "support/checked_host.h"

#include <fmt/core.h>

#include <algorithm>

namespace remuda::test {
namespace {

bool is_check(const Parameters& parameters) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const auto& entry) { return entry.second == "remuda health check"; });
}

// A NULL has no bytes, and no length of 0 either.
std::string row(const std::vector<std::string>& values) {
  std::string body = be16(static_cast<int>(values.size()));
  for (const std::string& value : values) {
    body += value.empty() ? be32(0xffffffff) : be32(static_cast<uint32_t>(value.size())) + value;
  }
  return packet('D', body);
}

}  // namespace

std::string check_answer(const HostState& state) {
  const std::string timeline =
      state.is_standby ? std::to_string(state.timeline) : fmt::format("{:08X}", state.timeline);
  const bool is_standby = state.is_standby;
  return packet('1') + packet('2') + row_description({"r", "w", "e", "p", "a", "t", "s"}) +
         row({is_standby ? "t" : "f", is_standby ? "" : state.written,
              is_standby ? state.received : "", is_standby ? state.replayed : "",
              is_standby ? state.replay_age : "", timeline, state.system}) +
         command_complete("SELECT 1") + ready();
}

CheckedHost::CheckedHost(HostState state, std::string name)
    : CheckedHost(std::move(state), std::move(name), 1, 0) {}

CheckedHost::CheckedHost(HostState state, std::string name, int last, int port)
    : name_(std::move(name)),
      state_(std::move(state)),
      server_([this](FakePeer& peer) { converse(peer); }, last, port) {}

void CheckedHost::set(const HostState& state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
}

HostState CheckedHost::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

int CheckedHost::checks() const {
  const auto notes = server_.notes();
  return static_cast<int>(std::count(notes.begin(), notes.end(), "check"));
}

void CheckedHost::converse(FakePeer& peer) {
  if (state().is_silent) return peer.hang();
  const Parameters parameters = peer.accept_startup();
  const HostState now = state();
  if (!now.refusal.empty() && is_check(parameters)) {
    return peer.send(error_response(now.refusal, "no checks today", "FATAL"));
  }
  peer.send(packet('R', be32(0)));
  peer.greet();
  if (!is_check(parameters)) {
    return peer.serve([this, &peer](const std::string&) {
      const HostState then = state();
      if (then.is_silent) peer.hang();
      if (then.ending.empty()) return name_;
      if (then.ending != "EOF") peer.send(error_response(then.ending, "that is all", "FATAL"));
      throw std::runtime_error("the end");
    });
  }
  while (peer.read().type != 'S') {
  }
  const std::string answer = check_answer(state());
  peer.note("check");
  peer.send(answer);
  peer.read();
}

}  // namespace remuda::test
